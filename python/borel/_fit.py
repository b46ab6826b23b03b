"""The draws of a run."""
from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

import numpy as np

from ._data import Array
from ._errors import ArgumentError

if TYPE_CHECKING:
    from ._model import Posterior


# Predictions draw from streams from here on: chains have those from 1, `simulate` has 0.
PREDICTIVE_STREAM = 2**32


@dataclass(frozen=True)
class ChainRecord:
    """How one chain went: finished iterations, warm-up included; log densities of them that were
    0 by a constraint or reject(); seconds."""

    iterations: int
    rejections: int
    warmup_seconds: float
    draw_seconds: float


class Fit(Mapping[str, Array]):
    """The draws of a run, by site: fit["theta"] has chains x draws x the shape of theta.

    posterior: what was sampled. chains: the numbers of the chains that are here, from 0: all, but
    of an interrupted run, whose chains differ in length, those and the common length that keep
    most. draws, statistics: flat, chains x draws x `posterior.names`, x `model.statistics`.
    warmup_draws, warmup_statistics: of warm-up, with save_warmup, else None.
    all_draws: of every chain, all that it finished, flat; more than `draws` if interrupted.
    seed, settings, warmup: what the run was asked for. records: how each chain went, of all.
    seconds: of the whole run. interrupted: whether Ctrl-C ended it.
    """

    def __init__(self, posterior: "Posterior", values: Array, statistics: Array,
                 records: List[ChainRecord], warmup: int, save_warmup: bool, seed: int,
                 settings: Dict[str, Any], seconds: float, interrupted: bool) -> None:
        self.posterior = posterior
        self.seed = seed
        self.settings = settings
        self.warmup = warmup
        self.records = records
        self.seconds = seconds
        self.interrupted = interrupted
        lengths = [max(0, record.iterations - warmup) for record in records]
        self.chains, self.draw_count = _most(lengths)
        begin = warmup if save_warmup else 0
        self.draws = _rows(values, self.chains, begin, begin + self.draw_count)
        self.statistics = _rows(statistics, self.chains, begin, begin + self.draw_count)
        self.all_draws = [values[c, begin:begin + n] for c, n in enumerate(lengths)]
        self.warmup_draws: Optional[Array] = None
        self.warmup_statistics: Optional[Array] = None
        if save_warmup:
            self.warmup_draws = _rows(values, self.chains, 0, warmup)
            self.warmup_statistics = _rows(statistics, self.chains, 0, warmup)

    def __getitem__(self, site: str) -> Array:
        found = self.posterior.sites.get(site)
        if found is None or found.kind == "observed":
            raise KeyError(site)
        return found.view(self.draws)

    def __iter__(self) -> Iterator[str]:
        return (s.name for s in self.posterior.sites.values() if s.kind != "observed")

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return (f"<borel.Fit of {', '.join(self)}: {len(self.chains)} chains of {self.draw_count} "
                f"draws, {self.divergences} divergent>")

    @property
    def divergences(self) -> int:
        """Draws that ended in a divergence."""
        name = "divergent__"
        return int(self.statistic(name).sum()) if name in self.posterior.model.statistics else 0

    def statistic(self, name: str) -> Array:
        """chains x draws of one of the machine's statistics, as it names them: "lp__"."""
        names = self.posterior.model.statistics
        if name not in names:
            raise ArgumentError(f"the machine has no statistic `{name}`; there are "
                                f"{', '.join(names)}", name)
        return self.statistics[..., names.index(name)]

    def predict(self, *, seed: Optional[int] = None) -> Dict[str, Array]:
        """The posterior predictive: the observed sites drawn anew at each draw, chains x draws x
        their shapes. seed: that of the run, unless another is given. Chains have streams of their
        own, apart from those that the run drew from."""
        seed = self.seed if seed is None else seed
        by_chain = [self.posterior.predict(draws, seed=seed, stream=PREDICTIVE_STREAM + 1 + chain)
                    for chain, draws in zip(self.chains, self.draws)]
        return {name: np.stack([values[name] for values in by_chain]) for name in by_chain[0]}

    def log_likelihood(self) -> Dict[str, Array]:
        """The log density of each observation at each draw, chains x draws x observations."""
        return self.posterior.log_likelihood(self.draws)

    def to_arviz(self, *, dims: Optional[Mapping[str, Any]] = None,
                 coords: Optional[Mapping[str, Sequence[Any]]] = None, prior: int = 0,
                 log_likelihood: Optional[bool] = None,
                 posterior_predictive: Optional[bool] = None) -> Any:
        """As ArviZ has it: an xarray.DataTree of ArviZ 1, or an InferenceData of ArviZ 0.

        Groups: posterior, sample_stats, observed_data, constant_data; log_likelihood and
        posterior_predictive unless they are False, which saves their memory (chains x draws x
        observations each), or the program cannot draw what it observes, which True makes an error;
        warmup_posterior and warmup_sample_stats with save_warmup; prior and prior_predictive, of
        that many draws, if asked for.
        Observed data are the inputs that have the name and shape of an observed site.
        dims: names of dimensions, by site or input ({"theta": ["school"]}) or by the size's name
        in the program ({"J": "school"}); coords: their coordinates. They go before what the model
        was made with. Dimensions are else called as the program calls sizes, or theta_dim_0.
        """
        from ._arviz import to_arviz

        return to_arviz(self, dims, coords, prior, log_likelihood, posterior_predictive)


def _most(lengths: Sequence[int]) -> Tuple[Tuple[int, ...], int]:
    """The chains and the common length that keep most draws."""
    best = max(sorted(lengths, reverse=True),
               key=lambda n: n * sum(1 for m in lengths if m >= n), default=0)
    chains = tuple(c for c, n in enumerate(lengths) if n >= best) if best > 0 else ()
    return chains, best


def _rows(values: Array, chains: Sequence[int], begin: int, end: int) -> Array:
    rows = values[:, begin:end]  # first: what was not reached has no memory yet
    return rows if len(chains) == values.shape[0] else rows[list(chains)]
