"""One run of a program's machine."""
from __future__ import annotations

import math
import operator
import os
import secrets
import time
import warnings
from typing import TYPE_CHECKING, Any, Mapping, Optional

import numpy as np

from . import _core
from ._data import Array, check_seed
from ._errors import ArgumentError, BorelWarning
from ._fit import ChainRecord, Fit
from ._progress import Progress

if TYPE_CHECKING:
    from ._model import Posterior


def run_machine(posterior: "Posterior", *, chains: Optional[int], warmup: Optional[int],
                draws: Optional[int], seed: Optional[int], threads: Optional[int], radius: float,
                point: Optional[Array], save_warmup: bool, progress: Optional[bool],
                settings: Mapping[str, Any]) -> Fit:
    """Posterior.sample, whose arguments these are."""
    if posterior.steps is None:
        counts = {"chains": _count(posterior, "chains", chains, 4),
                  "warmup": _count(posterior, "warmup", warmup, 1000),
                  "draws": _count(posterior, "draws", draws, 1000)}
    else:
        for name, value in (("warmup", warmup), ("draws", draws)):
            if value is not None:
                raise ArgumentError(f"{name}: the machine makes {posterior.steps} steps, by its "
                                    f"data")
        counts = {"chains": _count(posterior, "chains", chains, 1), "warmup": 0,
                  "draws": posterior.steps}
    pairs = [(name, _setting(name, value)) for name, value in settings.items()]
    seed = secrets.randbits(63) if seed is None else check_seed(seed)
    if threads is None:
        threads = min(counts["chains"], len(os.sched_getaffinity(0)))
    elif threads < 1:
        raise ArgumentError(f"threads: found {threads}, expected at least 1")

    rows = counts["draws"] + (counts["warmup"] if save_warmup else 0)
    values = np.empty((counts["chains"], rows, posterior.draw_size))
    statistics = np.empty((counts["chains"], rows, len(posterior.model.statistics)))
    start = time.perf_counter()
    with Progress(progress, counts["chains"] * (counts["warmup"] + counts["draws"]),
                  counts["chains"]) as shown:
        records, interrupts = _core.run(
            posterior._instance, seed, counts["chains"], counts["warmup"], counts["draws"], threads,
            save_warmup, pairs, point, radius, values, statistics, shown.tick)
        if interrupts == 0:
            shown.finish()
    fit = Fit(posterior, values, statistics, [ChainRecord(*record) for record in records],
              counts["warmup"], save_warmup, seed, dict(settings), time.perf_counter() - start,
              interrupts > 0)
    if interrupts > 0:
        if interrupts > 1 or fit.draw_count == 0:
            raise KeyboardInterrupt
        warnings.warn(f"interrupted: {len(fit.chains)} of {counts['chains']} chains are kept, of "
                      f"{fit.draw_count} draws each", BorelWarning, stacklevel=3)
    return fit


def _count(posterior: "Posterior", name: str, value: Optional[int], fallback: int) -> int:
    parameter = posterior.model.parameters.get(name)
    if value is None:
        return int(parameter.default) if parameter is not None else fallback
    lower, upper = (parameter.lower, parameter.upper) if parameter is not None else (
        0 if name == "warmup" else 1, 1e9)
    try:
        number = operator.index(value)
    except TypeError:
        raise ArgumentError(f"{name}: found {value!r}, expected an integer") from None
    if not lower <= number <= upper:
        raise ArgumentError(f"{name}: found {number}, expected an integer from {lower:.0f} to "
                            f"{upper:.0f}")
    return number


def _setting(name: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ArgumentError(f"{name}: found {value!r}, expected a number") from None
    if math.isnan(number):
        raise ArgumentError(f"{name}: found NaN, expected a number")
    return number
