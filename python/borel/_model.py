"""Models, and posteriors: models with data."""
from __future__ import annotations

import json
import os
import warnings
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple, Union

import numpy as np

from . import _core
from ._data import (TYPES, Array, Converter, Input, check_seed, in_memory_order, json_point,
                    json_values, read_inputs, read_json)
from ._errors import ArgumentError, BorelWarning, Error, NotSupported
from ._fit import Fit
from ._sample import run_machine

# By borel_site_kind.
KINDS = ("latent", "derived", "observed")


@dataclass(frozen=True)
class Parameter:
    """A number of the machine that `Posterior.sample` takes by its name."""

    name: str
    is_int: bool
    lower: float
    upper: float
    default: float


@dataclass(frozen=True)
class Site:
    """A site of a model, with the sizes that the data have.

    kind: "latent", "derived" (a `:=` quantity) or "observed". dims: names of the dimensions.
    offset: its first element in a flat draw, -1 for observed sites. u_offset, u_size: where it
    lies in an unconstrained point; -1 and 0 unless it is latent. draw_rank: how many of its first
    dimensions number its draws, those after them being of one draw. observed_offset, term_offset,
    terms: of an observed site, where it lies in flat predictions and log likelihoods."""

    name: str
    kind: str
    type: str
    shape: Tuple[int, ...]
    dims: Tuple[str, ...]
    support: str
    column_major: bool
    size: int
    offset: int
    u_offset: int
    u_size: int
    draw_rank: int
    observed_offset: int
    term_offset: int
    terms: int

    def view(self, draws: Array) -> Array:
        """This site's values in flat draws, whose last dimension is a draw: no copy of reals. Of an
        observed site in flat predictions."""
        begin = self.observed_offset if self.kind == "observed" else self.offset
        values = self._shaped(draws[..., begin:begin + self.size], len(self.shape))
        if self.type == "real":
            return values
        return values.astype(bool if self.type == "bool" else np.int64)

    def view_terms(self, terms: Array) -> Array:
        """An observed site's log likelihoods in flat ones."""
        return self._shaped(terms[..., self.term_offset:self.term_offset + self.terms],
                            self.draw_rank)

    def _shaped(self, flat: Array, rank: int) -> Array:
        shape, column_major = self.shape[:rank], self.column_major and rank == len(self.shape)
        if column_major:
            shape = shape[:-2] + (shape[-1], shape[-2])
        return in_memory_order(flat.reshape(flat.shape[:-1] + shape), column_major)

    def element_names(self) -> List[str]:
        """theta[0], theta[1], … in the order of a flat draw."""
        if not self.shape:
            return [self.name]
        names = np.empty(self.shape, dtype=object)
        for at in np.ndindex(*self.shape):
            names[at] = f"{self.name}[{','.join(map(str, at))}]"
        return list(in_memory_order(names, self.column_major).ravel())


class Names:
    """Names of dimensions and their coordinates, for a model or a call."""

    def __init__(self, dims: Optional[Mapping[str, Any]] = None,
                 coords: Optional[Mapping[str, Sequence[Any]]] = None) -> None:
        self.dims = {name: value if isinstance(value, str) else list(value)
                     for name, value in (dims or {}).items()}
        self.coords = {name: list(values) for name, values in (coords or {}).items()}

    def updated(self, dims: Optional[Mapping[str, Any]],
                coords: Optional[Mapping[str, Sequence[Any]]]) -> "Names":
        later = Names(dims, coords)
        return Names({**self.dims, **later.dims}, {**self.coords, **later.coords})

    def of(self, name: str, rank: int, declared: Sequence[str], taken: Sequence[str]
           ) -> Tuple[str, ...]:
        """Of a site or input whose dimensions the source calls `declared` ("J", "J + 1", "?")."""
        chosen = self.dims.get(name)
        given = list(chosen) if isinstance(chosen, list) else []
        if len(given) > rank:
            raise ArgumentError(f"dims: `{name}` has {rank} dimensions, found {len(given)} names",
                                name)
        names: List[str] = []
        for d in range(rank):
            dim = given[d] if d < len(given) else None
            if dim is None and d < len(declared) and declared[d].isidentifier():
                renamed = self.dims.get(declared[d], declared[d])
                dim = renamed if isinstance(renamed, str) else declared[d]
                if dim in taken or dim in names:
                    dim = None
            names.append(dim if dim is not None else f"{name}_dim_{d}")
        return tuple(names)


class Model:
    """A compiled program, ready for data. `compile` and `load` make it.

    name: of the `infer` that was compiled. inputs, sizes: what `bind` wants. models: the models in
    it, the machine's first. parameters, statistics: of the machine, none where there is none.
    cpu: the processors that it has code for. hash: of all that decides what it computes.
    """

    name: str
    cpu: str
    hash: str
    sizes: Tuple[str, ...]
    inputs: Tuple[Input, ...]
    models: Tuple[str, ...]
    parameters: Dict[str, Parameter]
    statistics: Tuple[str, ...]
    _library: _core.Library
    _names: Names
    _site_dims: Dict[Tuple[str, str], Tuple[str, ...]]
    _has_machine: bool

    def __init__(self) -> None:
        raise TypeError("borel.compile and borel.load make models")

    @classmethod
    def _open(cls, file: str, path: str, descriptor: Optional[str],
              dims: Optional[Mapping[str, Any]], coords: Optional[Mapping[str, Sequence[Any]]]
              ) -> "Model":
        self = cls.__new__(cls)
        try:
            self._library = _core.Library(file)
        except Error as error:
            raise type(error)(str(error).replace(file, path), error.subject, error.place) from None
        described = self._library.describe()
        self.name = described["name"]
        self.cpu = described["cpu"]
        self.hash = described["hash"]
        self.sizes = tuple(described["sizes"])
        self.inputs = read_inputs(described)
        self.models = tuple(described["models"])
        machine = described["machine"] or {"parameters": [], "statistics": []}
        self.parameters = {p["name"]: Parameter(**p) for p in machine["parameters"]}
        self.statistics = tuple(machine["statistics"])
        self._has_machine = described["machine"] is not None
        self._names = Names(dims, coords)
        self._site_dims = _read_site_dims(descriptor, self.hash)
        return self

    def __repr__(self) -> str:
        inputs = ", ".join(
            f"{i.name}: {'matrix' if i.column_major else i.type}"
            + (f"[{', '.join(i.dims)}]" if i.dims else "") for i in self.inputs)
        return f"<borel.Model {self.name}({inputs})>"

    def __call__(self, **values: Any) -> "Posterior":
        """`bind` with inputs by name."""
        return Posterior._bind(self, values, None, None)

    def bind(self, data: Union[Mapping[str, Any], str, "os.PathLike[str]", None] = None, *,
             model: Optional[str] = None, copy: Optional[bool] = None) -> "Posterior":
        """The posterior given data: a mapping by name, a JSON file, or JSON text.

        Values are numpy arrays, numbers or nested lists. An array of float64 (for reals) or int64
        that lies in memory as the input does is not copied: C-contiguous, or for a matrix
        Fortran-contiguous. It must not change while the posterior is in use, which holds a
        reference. Other types and orders are copied, and so are indices. copy=True copies all;
        copy=False makes what would need a copy an error.

        model: the model whose density is asked for, where the program has several.
        Raises DataError, naming the input.
        """
        return Posterior._bind(self, {} if data is None else data, model, copy)

    def _warn(self, stacklevel: int) -> None:
        for message in self._library.take_messages():
            warnings.warn(message, BorelWarning, stacklevel=stacklevel + 1)


def _read_site_dims(descriptor: Optional[str], program_hash: str
                    ) -> Dict[Tuple[str, str], Tuple[str, ...]]:
    """Of a descriptor that is this program's: dimensions by model and site."""
    try:
        described = json.loads(descriptor or "null")
        if described["source"]["program_hash"] != program_hash:
            return {}
        return {(model["name"], site["name"]): tuple(site["dims"])
                for model in described["models"] for site in model["sites"]}
    except (ValueError, KeyError, TypeError):
        return {}


class Posterior:
    """A model with data: log density, gradient, transforms, draws. `Model.bind` makes it.

    sites, by name: shapes and places of latent, derived and observed sites. dimension: the length
    of an unconstrained point. names: of the elements of a flat draw, indices counting from 0.
    data: the inputs by name. steps: how many the machine makes, where the data determine that, else
    None. Any number of threads may call it; they run beside each other.
    """

    model: Model
    dimension: int
    draw_size: int
    steps: Optional[int]
    sites: Dict[str, Site]
    _instance: _core.Instance
    _number: int
    _latents: int
    _json: Optional[str]
    _values: Optional[Dict[str, Array]]

    def __init__(self) -> None:
        raise TypeError("borel.Model.bind makes posteriors")

    @classmethod
    def _bind(cls, model: Model, data: Any, model_name: Optional[str], copy: Optional[bool]
              ) -> "Posterior":
        self = cls.__new__(cls)
        self.model = model
        self._json = read_json(data)
        converter = Converter(model.inputs, model.sizes, copy)
        if self._json is None:
            if not isinstance(data, Mapping):
                raise TypeError(f"data: found a {type(data).__name__}, expected a mapping by name "
                                f"or a JSON file")
            for name, value in data.items():
                converter.add(name, value)
        self._values = converter.values if self._json is None else None
        try:
            self._instance = _core.Instance(model._library, self._json or "", converter.entries)
        finally:
            model._warn(stacklevel=3)
        for name in converter.unused:
            warnings.warn(f"`{name}` is no input of the program", BorelWarning, stacklevel=3)
        if model_name is None:
            self._number = self._instance.default_model()
        elif model_name in model.models:
            self._number = model.models.index(model_name)
        else:
            raise ArgumentError(f"the program has no model `{model_name}`; there are "
                                f"{', '.join(model.models)}", model_name)
        if self._number < 0:
            raise NotSupported("the program has no model")
        self.dimension = self._instance.dimension(self._number)
        self.draw_size = self._instance.draw_size(self._number)
        steps = self._instance.steps()
        self.steps = steps if steps >= 0 else None
        self.sites = self._make_sites(model._names)
        self._latents = sum(s.size for s in self.sites.values() if s.kind == "latent")
        return self

    def _make_sites(self, names: Names) -> Dict[str, Site]:
        described = self._instance.sites(self._number)
        taken = [d["name"] for d in described]
        model_name = self.model.models[self._number]
        sites = {}
        for d in described:
            declared = self.model._site_dims.get((model_name, d["name"]), ())
            dims = names.of(d["name"], len(d["shape"]), declared, taken)
            sites[d["name"]] = Site(
                d["name"], KINDS[d["kind"]], TYPES[d["type"]], d["shape"], dims, d["support"],
                d["column_major"], d["size"], d["draw_offset"], d["u_offset"],
                d["u_size"] if d["u_offset"] >= 0 else 0, d["draw_rank"], d["observed_offset"],
                d["term_offset"], d["terms"])
        return sites

    def __repr__(self) -> str:
        sites = ", ".join(s.name + (str(list(s.shape)) if s.shape else "")
                          for s in self.sites.values() if s.kind != "observed")
        return f"<borel.Posterior {self.model.name}: {sites}>"

    @property
    def data(self) -> Dict[str, Array]:
        """The inputs by name, as they are bound: arrays that were not copied are the caller's."""
        if self._values is None:
            self._values = json_values(self._json or "{}", self.model.inputs)
        silent = {i.name: np.asarray(i.default) for i in self.model.inputs
                  if i.default is not None and i.name not in self._values}
        return {**self._values, **silent}

    @property
    def names(self) -> List[str]:
        return [name for site in self.sites.values() if site.kind != "observed"
                for name in site.element_names()]

    # ---- densities ------------------------------------------------------------------------------

    def log_density(self, u: Any, *, jacobian: bool = True) -> Any:
        """Log density in nats, all constants kept, at unconstrained points u[..., dimension].

        A float for one point, else an array of u's leading shape. With `jacobian` the log
        determinant of the transform is in it, as samplers want it. A density of 0 is -inf; one
        that is NaN is a RunError that names the site."""
        u = self._points(u)
        if u.ndim == 1:
            return self._instance.log_density(self._number, jacobian, u)
        values = np.empty(u.shape[:-1])
        self._instance.log_densities(self._number, jacobian, u, values)
        return values

    def log_density_gradient(self, u: Any, *, jacobian: bool = True) -> Tuple[Any, Array]:
        """Log density and its gradient with respect to u; see `log_density`."""
        u = self._points(u)
        gradient = np.empty(u.shape)
        if u.ndim == 1:
            value = self._instance.log_density_gradient(self._number, jacobian, u, gradient)
            return value, gradient
        values = np.empty(u.shape[:-1])
        self._instance.log_density_gradients(self._number, jacobian, u, values, gradient)
        return values, gradient

    def gradient(self, u: Any, *, jacobian: bool = True) -> Array:
        """The gradient alone."""
        return self.log_density_gradient(u, jacobian=jacobian)[1]

    def hessian_vector(self, u: Any, v: Any, *, jacobian: bool = True) -> Tuple[Any, Array, Array]:
        """Log density, gradient and the Hessian times v, all exact, at points u with vectors v of
        the same shape. For programs that were compiled with hessian=True."""
        u = self._points(u)
        v = np.ascontiguousarray(np.broadcast_to(np.asarray(v, np.float64), u.shape))
        values, gradients, products = np.empty(u.shape[:-1]), np.empty(u.shape), np.empty(u.shape)
        self._instance.hessian_vectors(self._number, jacobian, u, v, values, gradients, products)
        return values[()], gradients, products

    def hessian(self, u: Any, *, jacobian: bool = True) -> Array:
        """The Hessian at one point, dimension x dimension, by that many products."""
        point = self._points(u)
        if point.ndim != 1:
            raise ArgumentError(f"u: found {point.ndim} dimensions, expected one point")
        every = np.eye(self.dimension)
        return self.hessian_vector(np.broadcast_to(point, every.shape), every,
                                   jacobian=jacobian)[2]

    def _points(self, u: Any) -> Array:
        points = np.ascontiguousarray(u, dtype=np.float64)
        if points.shape[-1] != self.dimension:
            raise ArgumentError(f"u: found {points.shape[-1]} elements, expected {self.dimension}")
        return points

    # ---- transforms -----------------------------------------------------------------------------

    def constrain(self, u: Any) -> Dict[str, Array]:
        """Latent and derived values at unconstrained points u[..., dimension], by site."""
        return self.unflatten(self.constrain_flat(u))

    def constrain_flat(self, u: Any) -> Array:
        """The same as flat draws, [..., draw_size], whose elements are `names`."""
        u = self._points(u)
        draws = np.empty(u.shape[:-1] + (self.draw_size,))
        self._instance.constrain(self._number, u, draws)
        return draws

    def unconstrain(self, values: Any) -> Array:
        """The unconstrained point of latent values: a mapping by site, whose values may have
        leading dimensions in common, or flat draws. A value outside its site's support is an
        ArgumentError; shares of a simplex need not sum to 1."""
        latents = (self._flatten(values) if isinstance(values, Mapping)
                   else np.ascontiguousarray(values, dtype=np.float64))
        if latents.ndim == 0 or latents.shape[-1] < self._latents:
            raise ArgumentError(f"the latent values: found {latents.size} elements, expected "
                                f"{self._latents}")
        u = np.empty(latents.shape[:-1] + (self.dimension,))
        self._instance.unconstrain(self._number, latents, latents.shape[-1], u)
        return u

    def _flatten(self, values: Mapping[str, Any]) -> Array:
        parts = []
        for site in self.sites.values():
            if site.kind != "latent":
                continue
            if site.name not in values:
                raise ArgumentError(f"`{site.name}` is missing: a latent site", site.name)
            value = np.asarray(values[site.name], np.float64)
            rank = len(site.shape)
            if value.ndim < rank or value.shape[value.ndim - rank:] != site.shape:
                raise ArgumentError(f"`{site.name}`: found the shape {value.shape}, expected "
                                    f"{site.shape}", site.name)
            lead = value.shape[:value.ndim - rank]
            parts.append(in_memory_order(value, site.column_major).reshape(lead + (site.size,)))
        lead = np.broadcast_shapes(*(part.shape[:-1] for part in parts)) if parts else ()
        return np.concatenate([np.broadcast_to(part, lead + part.shape[-1:]) for part in parts]
                              or [np.empty(lead + (0,))], axis=-1)

    def unflatten(self, draws: Array) -> Dict[str, Array]:
        """Flat draws, [..., draw_size], as values by site; reals are views."""
        return {site.name: site.view(draws) for site in self.sites.values()
                if site.kind != "observed"}

    def simulate(self, draws: Optional[int] = None, *, seed: int = 1, stream: int = 0
                 ) -> Dict[str, Array]:
        """Draws of latent and derived sites from the joint distribution, observed sites held: from
        the prior. One by default, else arrays whose first dimension is `draws`. The same seed and
        stream give the same draws, and more draws begin with them."""
        flat = np.empty((1 if draws is None else draws, self.draw_size))
        self._instance.simulate(self._number, check_seed(seed), stream, 0, flat)
        return self.unflatten(flat[0] if draws is None else flat)

    # ---- observations ---------------------------------------------------------------------------

    def predict(self, draws: Any, *, seed: int = 1, stream: int = 0) -> Dict[str, Array]:
        """The observed sites drawn anew at draws: flat ones, [..., draw_size], or values of the
        latent sites by name. The same seed and stream give the same values; take others than those
        of the run or of `simulate` that the draws are from. `Fit.predict` does all this for a fit.
        NotSupported where a distribution of an observed site cannot be drawn from."""
        flat = self._flat_draws(draws)
        observed = np.empty(flat.shape[:-1] + (self._instance.observed_size(self._number),))
        self._check_observes()
        self._instance.predict(self._number, check_seed(seed), stream, 0, flat, observed)
        return {s.name: s.view(observed) for s in self._observed}

    def log_likelihood(self, draws: Any) -> Dict[str, Array]:
        """The log density of each draw that is observed, at draws as for `predict`: one for each
        element of a site that is drawn by elements, one for each row that is drawn as a whole."""
        flat = self._flat_draws(draws)
        terms = np.empty(flat.shape[:-1] + (self._instance.term_count(self._number),))
        self._check_observes()
        self._instance.log_likelihood(self._number, flat, terms)
        return {s.name: s.view_terms(terms) for s in self._observed}

    @property
    def _observed(self) -> List[Site]:
        return [site for site in self.sites.values() if site.kind == "observed"]

    def _check_observes(self) -> None:
        if not self._observed:
            raise NotSupported(f"`{self.model.models[self._number]}` observes nothing")

    def _flat_draws(self, draws: Any) -> Array:
        if isinstance(draws, Mapping):  # latent values lead a draw: nothing reads what is behind
            latents = self._flatten(draws)
            flat = np.full(latents.shape[:-1] + (self.draw_size,), np.nan)
            flat[..., :self._latents] = latents
            return flat
        flat = np.ascontiguousarray(draws, dtype=np.float64)
        if flat.shape[-1] != self.draw_size:
            raise ArgumentError(f"the draws: found {flat.shape[-1]} elements in each, expected "
                                f"{self.draw_size}")
        return flat

    # ---- inference ------------------------------------------------------------------------------

    def sample(self, *, chains: Optional[int] = None, warmup: Optional[int] = None,
               draws: Optional[int] = None, seed: Optional[int] = None,
               threads: Optional[int] = None, init: Any = None, save_warmup: bool = False,
               progress: Optional[bool] = None, **settings: float) -> Fit:
        """Runs the program's machine: NUTS, as the program says.

        chains, warmup, draws: the machine's own by default; one that makes `steps` steps has no
        warmup and draws, and its chains are repetitions. settings: its other parameters by
        name, such as target_accept and max_depth (`Model.parameters` lists them).
        seed: of the random bits; by default another one each time, which is `Fit.seed`. The draws
        are those of `borel sample` with the same seed, bit for bit, whatever `threads` is.
        threads: by default one for each chain, as far as there are processors.
        init: a radius R, starts being drawn from U(-R, R) on the unconstrained space (2 by
        default); or one point for all chains: values by site, an unconstrained array, or a JSON
        file as `borel sample --init` takes.
        progress: whether to show a progress bar; by default where it is seen, in terminals and
        notebooks, for runs of more than some tenths of a second.

        Ctrl-C ends the run after the iterations that the chains are at, warns, and gives the draws
        that were finished; without any, or pressed twice, it is a KeyboardInterrupt.
        """
        if not self.model._has_machine:
            raise NotSupported("the program has no machine, only models")
        own = self._instance.default_model()
        if self._number != own:
            raise NotSupported(f"the machine samples `{self.model.models[own]}`, not "
                               f"`{self.model.models[self._number]}`")
        radius, point = self._start(init)
        try:
            return run_machine(self, chains=chains, warmup=warmup, draws=draws, seed=seed,
                               threads=threads, radius=radius, point=point,
                               save_warmup=save_warmup, progress=progress, settings=settings)
        finally:
            self.model._warn(stacklevel=2)

    def _start(self, init: Any) -> Tuple[float, Optional[Array]]:
        if init is None:
            return 0.0, None
        text = read_json(init)
        if text is not None:
            init = json_point(text)
            if "params_r" in init:
                init = init["params_r"]
        if isinstance(init, Mapping):
            return 0.0, self.unconstrain(init)
        if np.ndim(init) == 0:
            radius = float(init)
            if not 0 <= radius < np.inf:
                raise ArgumentError(f"init: found the radius {radius}, expected one of at least 0")
            return (radius, None) if radius > 0 else (0.0, np.zeros(self.dimension))
        return 0.0, self._points(init)
