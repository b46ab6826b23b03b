"""Fits as ArviZ wants them. xarray and ArviZ are imported when they are asked for."""
from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any, Callable, Dict, Mapping, Optional, Sequence, Tuple

import numpy as np

from ._core import runtime_version
from ._data import Array
from ._errors import NotSupported
from ._fit import PREDICTIVE_STREAM

if TYPE_CHECKING:
    from ._fit import Fit
    from ._model import Names, Posterior

# What ArviZ calls the statistics of Stan's names. All else keeps its name, without "__".
_STATISTICS = {"lp__": ("lp", float), "accept_stat__": ("acceptance_rate", float),
               "stepsize__": ("step_size", float), "treedepth__": ("tree_depth", np.int64),
               "n_leapfrog__": ("n_steps", np.int64), "divergent__": ("diverging", bool),
               "energy__": ("energy", float)}

Variables = Dict[str, Tuple[Tuple[str, ...], Array]]


def to_arviz(fit: "Fit", dims: Optional[Mapping[str, Any]],
             coords: Optional[Mapping[str, Sequence[Any]]], prior: int,
             log_likelihood: Optional[bool], posterior_predictive: Optional[bool]) -> Any:
    try:
        import arviz
        import xarray
    except ImportError as problem:
        raise NotSupported(f"to_arviz needs ArviZ, which is not installed: {problem}") from None
    posterior = fit.posterior
    names = posterior.model._names.updated(dims, coords)
    site_dims = {s.name: s.dims for s in posterior._make_sites(names).values()}
    attributes = {
        "created_at": datetime.datetime.now(datetime.timezone.utc).isoformat(),
        "inference_library": "borel", "inference_library_version": runtime_version,
        "arviz_version": arviz.__version__, "model_name": posterior.model.name,
        "model_hash": posterior.model.hash,
    }
    run = {"sampling_time": fit.seconds, "tuning_steps": fit.warmup, "seed": str(fit.seed)}

    groups: Dict[str, Any] = {}

    def add(name: str, variables: Variables, leading: Mapping[str, Any], **more: Any) -> None:
        if variables:
            groups[name] = xarray.Dataset(
                variables, coords=_coords(variables, names, leading), attrs={**attributes, **more})

    chain = {"chain": np.array(fit.chains)}
    after = {**chain, "draw": np.arange(fit.draw_count)}
    add("posterior", _draws(posterior, site_dims, fit.draws), after, **run)
    add("sample_stats", _statistics(fit, fit.statistics), after, **run)
    add("log_likelihood", _values(_if_supported(fit.log_likelihood, log_likelihood), site_dims),
        after)
    add("posterior_predictive",
        _values(_if_supported(fit.predict, posterior_predictive), site_dims), after)
    if fit.warmup_draws is not None and fit.warmup_statistics is not None:
        before = {**chain, "draw": np.arange(fit.warmup)}
        add("warmup_posterior", _draws(posterior, site_dims, fit.warmup_draws), before, **run)
        add("warmup_sample_stats", _statistics(fit, fit.warmup_statistics), before, **run)
    if prior > 0:
        flat = np.empty((1, prior, posterior.draw_size))
        posterior._instance.simulate(posterior._number, fit.seed, 0, 0, flat)
        at = {"chain": np.arange(1), "draw": np.arange(prior)}
        add("prior", _draws(posterior, site_dims, flat), at)
        add("prior_predictive", _values(_if_supported(
            lambda: posterior.predict(flat, seed=fit.seed, stream=PREDICTIVE_STREAM),
            posterior_predictive), site_dims), at)
    observed, constant = _data(posterior, names, site_dims)
    add("observed_data", observed, {})
    add("constant_data", constant, {})
    if arviz.__version__.startswith("0."):
        return arviz.InferenceData(save_warmup="warmup_posterior" in groups, **groups)
    return xarray.DataTree.from_dict(groups)


def _if_supported(compute: Callable[[], Dict[str, Array]], wanted: Optional[bool]
                  ) -> Dict[str, Array]:
    if wanted is False:
        return {}
    try:
        return compute()
    except NotSupported:
        if wanted:
            raise
        return {}


def _values(values: Mapping[str, Array], site_dims: Mapping[str, Tuple[str, ...]]) -> Variables:
    """Of sites, or of their first dimensions, by chain and draw."""
    return {name: (("chain", "draw") + site_dims[name][:value.ndim - 2], value)
            for name, value in values.items()}


def _draws(posterior: "Posterior", site_dims: Mapping[str, Tuple[str, ...]], flat: Array
           ) -> Variables:
    return _values(posterior.unflatten(flat), site_dims)


def _statistics(fit: "Fit", values: Array) -> Variables:
    out: Variables = {}
    for i, name in enumerate(fit.posterior.model.statistics):
        known, kind = _STATISTICS.get(name, (name[:-2] if name.endswith("__") else name, float))
        out[known] = (("chain", "draw"), values[..., i].astype(kind, copy=False))
        limit = fit.settings.get("max_depth", getattr(
            fit.posterior.model.parameters.get("max_depth"), "default", None))
        if known == "tree_depth" and limit is not None:
            out["reached_max_treedepth"] = (("chain", "draw"), values[..., i] >= limit)
    return out


def _data(posterior: "Posterior", names: "Names", site_dims: Mapping[str, Tuple[str, ...]]
          ) -> Tuple[Variables, Variables]:
    observed: Variables = {}
    constant: Variables = {}
    values = posterior.data
    declared = {i.name: i.dims for i in posterior.model.inputs}
    arrays = [name for name, value in values.items() if value.ndim > 0]
    used = {dim for dims in site_dims.values() for dim in dims}
    for name in declared:
        value = values[name]
        site = posterior.sites.get(name)
        if site is not None and site.kind == "observed" and site.shape == value.shape:
            observed[name] = (site_dims[name], value)
        else:
            constant[name] = (names.of(name, value.ndim, declared[name], arrays), value)
    used |= {dim for dims, _ in list(observed.values()) + list(constant.values()) for dim in dims}
    # A number that is the length of a dimension of its name is in that dimension already.
    return observed, {name: v for name, v in constant.items() if not (v[0] == () and name in used)}


def _coords(variables: Variables, names: "Names", leading: Mapping[str, Any]) -> Dict[str, Any]:
    coords = dict(leading)
    for dims, values in variables.values():
        for dim, length in zip(dims, values.shape):
            if dim not in coords:
                given = names.coords.get(dim)
                coords[dim] = np.arange(length) if given is None else np.asarray(given)
    return coords
