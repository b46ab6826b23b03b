"""A progress bar, by tqdm, which knows terminals and notebooks."""
from __future__ import annotations

import sys
import time
import warnings
from typing import Any, Callable, Optional


class Progress:
    """tick is for _core.run: None where nobody looks. A bar appears after `delay` seconds."""

    delay = 0.4

    def __init__(self, wanted: Optional[bool], total: int, chains: int) -> None:
        self._begin = time.perf_counter()
        self._wanted = wanted
        self._total = total
        self._chains = chains
        self._bar: Any = None
        self._is_seen: Optional[bool] = wanted
        self.tick: Optional[Callable[[int, int], None]] = None if wanted is False else self._tick

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def finish(self) -> None:
        """The run came to its end."""
        if self._bar is not None:
            self._bar.update(self._total - self._bar.n)

    def _tick(self, iterations: int, divergences: int) -> None:
        if time.perf_counter() - self._begin < self.delay or self._is_seen is False:
            return
        if self._bar is None and not self._open():
            return
        if divergences > 0:
            self._bar.set_postfix_str(f"{divergences} divergent", refresh=False)
        self._bar.update(iterations - self._bar.n)

    def _open(self) -> bool:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of notebooks without widgets: text is good, too
            from tqdm.auto import tqdm
            from tqdm.std import tqdm as text_tqdm
        is_notebook = any(base.__name__ == "tqdm_notebook" for base in tqdm.__mro__)
        if self._is_seen is None:
            self._is_seen = is_notebook or sys.stderr.isatty()
        if self._is_seen:
            options = {"total": self._total, "unit": "it", "dynamic_ncols": True,
                       "smoothing": 0,  # the rate of all that was done
                       "desc": f"{self._chains} chain{'s' if self._chains > 1 else ''}"}
            try:
                self._bar = tqdm(**options)
            except ImportError:  # a notebook that cannot show widgets
                self._bar = text_tqdm(**options)
            self._bar.start_t -= time.perf_counter() - self._begin
        return self._bar is not None
