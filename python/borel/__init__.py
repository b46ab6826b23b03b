"""Borel in Python: compile a probabilistic program, bind data, sample.

    import borel
    model = borel.compile("eight_schools.ppl")
    posterior = model(sigma=sigma, y=y)
    fit = posterior.sample(seed=1)
    fit["theta"]                      # chains x draws x 8
    fit.to_arviz()

`compile` and `load` make a `Model`, its `bind` a `Posterior`, whose `sample` makes a `Fit`. All
that goes wrong is a `borel.Error`.
"""
from ._core import runtime_version as __version__
from ._errors import (ArgumentError, BorelWarning, CompileError, CompilerDefect, CompilerNotFound,
                      DataError, Error, NotSupported, OutOfMemory, ProgramError, RunError)
from ._data import Input
from ._fit import ChainRecord, Fit
from ._model import Model, Parameter, Posterior, Site
from ._compile import compile, compiler_path, load

__all__ = [
    "__version__",
    "ArgumentError", "BorelWarning", "ChainRecord", "CompileError", "CompilerDefect",
    "CompilerNotFound", "DataError", "Error", "Fit", "Input", "Model", "NotSupported",
    "OutOfMemory", "Parameter", "Posterior", "ProgramError", "RunError", "Site", "compile",
    "compiler_path", "load",
]
