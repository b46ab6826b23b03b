"""From programs to models: the compiler, run as a command."""
from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import warnings
from pathlib import Path
from typing import Mapping, Optional, Sequence, Union

from ._errors import BorelWarning, CompileError, CompilerDefect, CompilerNotFound, ProgramError
from ._model import Model

PathLike = Union[str, "os.PathLike[str]"]


def compiler_path() -> str:
    """The compiler that `compile` runs: the one in this package, or else `borel` on the PATH."""
    own = Path(__file__).parent / "bin" / "borel"
    if own.is_file():
        return str(own)
    found = shutil.which("borel")
    if found is None:
        raise CompilerNotFound("this package has no compiler, and there is no `borel` on the PATH; "
                               "`borel.load` takes libraries that `borel build` made elsewhere")
    return found


def compile(program: PathLike, *, infer: Optional[str] = None,
            cpu: Union[str, Sequence[str], None] = None, library: Optional[PathLike] = None,
            hessian: bool = False, output: Optional[PathLike] = None,
            compiler: Optional[PathLike] = None,
            dims: Optional[Mapping[str, object]] = None,
            coords: Optional[Mapping[str, Sequence[object]]] = None) -> Model:
    """Compiles a program: a path of a .ppl file, or the program itself, a string with `{`.

    infer: another `infer` than `main`.
    cpu: the processor to compile for, "native" by default; or several levels,
        ["x86-64-v2", "x86-64-v3"], of which the best is taken when data are bound.
    library: a folder that replaces the built-in library of distributions and algorithms.
    hessian: whether `Posterior.hessian_vector` is wanted.
    output: "NAME.so", to keep the library, for `borel.load`, with its header and descriptor.
    compiler: a compiler to use instead of `compiler_path()`.
    dims, coords: names of dimensions, see `Model`.

    Raises CompileError with the compiler's diagnostics.
    """
    with tempfile.TemporaryDirectory(prefix="borel-") as folder:
        source = os.fspath(program)
        if isinstance(program, str) and "{" in program:
            source = os.path.join(folder, "program.ppl")
            Path(source).write_text(program, encoding="utf-8")
        made = os.path.join(folder, "program.so") if output is None else os.fspath(output)
        if not made.endswith(".so"):
            raise ValueError(f"output: found {made!r}, expected a name that ends with .so")
        command = [os.fspath(compiler) if compiler is not None else compiler_path(), "build",
                   source, "--output", made]
        for option, value in (("--infer", infer), ("--cpu", cpu), ("--library", library)):
            if value is not None:
                levels = [value] if isinstance(value, (str, os.PathLike)) else value
                command += [option, ",".join(os.fspath(level) for level in levels)]
        if hessian:
            command.append("--hessian")
        _run(command, folder)
        return load(made, dims=dims, coords=coords)


def _run(command: Sequence[str], folder: str) -> None:
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, errors="replace")
    except OSError as problem:
        raise CompilerNotFound(f"cannot run the compiler `{command[0]}`: {problem.strerror}"
                               ) from None
    # A program that was handed over is `program.ppl`, in no folder that the user knows.
    text = done.stderr.replace(folder + os.sep, "").strip()
    if done.returncode in (1, 2, 3, 5):
        raise CompileError(text, done.returncode)
    if done.returncode != 0:
        raise CompilerDefect(text or f"the compiler ended with {done.returncode}", done.returncode)
    if text:
        warnings.warn(text, BorelWarning, stacklevel=3)


def load(path: PathLike, *, dims: Optional[Mapping[str, object]] = None,
         coords: Optional[Mapping[str, Sequence[object]]] = None) -> Model:
    """Opens a library that `borel build NAME.so` or `compile(…, output="NAME.so")` made.

    The descriptor NAME.json beside it, where there is one, names the dimensions of sites. The file
    may be replaced or removed while the model is in use.
    """
    path = Path(os.fspath(path))
    try:
        code = path.read_bytes()
    except OSError as problem:
        raise ProgramError(f"cannot open `{path}`: {problem.strerror}") from None
    try:
        descriptor = path.with_suffix(".json").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        descriptor = None
    # A copy of its own: the system takes a library of the same path for the one it has open, and
    # one that is written to while open ends the process.
    with tempfile.TemporaryDirectory(prefix="borel-") as folder:
        private = os.path.join(folder, path.name)
        Path(private).write_bytes(code)
        return Model._open(private, str(path), descriptor, dims, coords)
