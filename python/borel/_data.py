"""Data on their way to the runtime: arrays of the types and layouts that inputs have."""
from __future__ import annotations

import json
import operator
import os
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, NoReturn, Optional, Tuple, Union

import numpy as np
from numpy.typing import NDArray

from ._errors import ArgumentError, DataError

Array = NDArray[Any]

# By borel_type.
TYPES = ("bool", "int", "real", "index")
_WANTED = {"bool": "booleans", "int": "integers", "real": "real numbers", "index": "integers"}


@dataclass(frozen=True)
class Input:
    """One datum that a program wants. dims: the names of its dimensions, as the source has them
    ("J", "J + 1", "3"). column_major: it is a matrix, or an array of them, whose columns are
    contiguous. place: where it is declared, (file, line, column). default: what it is where the
    data do not say; None: they must."""

    name: str
    type: str
    dims: Tuple[str, ...]
    column_major: bool
    place: Optional[Tuple[str, int, int]]
    default: Union[None, int, float] = None


def read_inputs(described: Mapping[str, Any]) -> Tuple[Input, ...]:
    """Of what the runtime says of a program."""
    return tuple(
        Input(d["name"], TYPES[d["type"]], tuple(_dim_text(*dim) for dim in d["dims"]),
              d["column_major"], d["span"], d["default"])
        for d in described["inputs"])


def _dim_text(symbol: Optional[str], offset: int) -> str:
    if symbol is None:
        return str(offset)
    return symbol if offset == 0 else f"{symbol} {'+' if offset > 0 else '-'} {abs(offset)}"


def in_memory_order(array: Array, column_major: bool) -> Array:
    """A view whose rows are contiguous where `array` lies in memory as the layout wants it."""
    return array.swapaxes(-1, -2) if column_major and array.ndim >= 2 else array


def check_seed(seed: Any) -> int:
    """A seed as the runtime takes it."""
    try:
        number = operator.index(seed)
    except TypeError:
        number = -1
    if not 0 <= number < 2**64:
        raise ArgumentError(f"seed: found {seed!r}, expected an integer from 0 to 2^64 - 1")
    return number


Entry = Tuple[str, Array, Tuple[int, ...]]


class Converter:
    """Makes entries for the runtime, with copies only where they are needed.

    copy: None, as needed; True, always; False, never: what would need one is an error.
    """

    def __init__(self, inputs: Tuple[Input, ...], sizes: Tuple[str, ...],
                 copy: Optional[bool]) -> None:
        self._inputs = {i.name: i for i in inputs}
        self._sizes = set(sizes)
        self._copy = copy
        self.entries: List[Entry] = []
        self.values: Dict[str, Array] = {}  # by name, in the shapes that the user sees
        self.unused: List[str] = []

    def add(self, name: str, value: Any) -> None:
        declared = self._inputs.get(name)
        if declared is None and name in self._sizes:
            declared = Input(name, "int", (), False, None)
        if declared is None:
            self.unused.append(name)
            return
        array = self._convert(declared, value)
        memory = in_memory_order(array, declared.column_major)
        self.entries.append((name, memory, array.shape))
        self.values[name] = array

    def _convert(self, declared: Input, value: Any) -> Array:
        found = self._as_array(declared, value)
        self._check_kind(declared, found)
        wanted = np.dtype(np.float64 if declared.type == "real" else np.int64)
        array = found if found.dtype == wanted else self._cast(declared, found, wanted)
        memory = in_memory_order(array, declared.column_major)
        is_laid_out = memory.flags.c_contiguous and memory.flags.aligned
        if self._copy is False and found.ndim > 0 and found.size > 0:
            self._refuse_copy(declared, value, found.dtype == wanted, is_laid_out)
        # An index that changed unseen could point anywhere: those are never borrowed.
        if self._copy is True or declared.type == "index" or not is_laid_out:
            memory = np.array(memory, order="C")
        return in_memory_order(memory, declared.column_major)

    def _refuse_copy(self, declared: Input, value: Any, is_typed: bool, is_laid_out: bool) -> None:
        if declared.type == "index":
            self._fail(declared, "indices are always copied")
        wanted = "int64" if declared.type != "real" else "float64"
        order = ", order='F' in its last two dimensions" if declared.column_major else ", order='C'"
        if not isinstance(value, np.ndarray):
            found = f"a {type(value).__name__}"
        elif not is_typed:
            found = f"an array of {value.dtype.name}"
        elif not is_laid_out:
            found = "an array in another order"
        else:
            return
        self._fail(declared, f"found {found}, which takes a copy, expected an array of {wanted}"
                             f"{order}")

    def _as_array(self, declared: Input, value: Any) -> Array:
        if np.ma.is_masked(value):
            self._fail(declared, "found masked elements, expected an array without")
        try:
            found = np.asarray(value)
        except ValueError:
            self._fail(declared, "found lists of different lengths, expected an array")
        if declared.column_major and found.ndim == 1 and found.size == 0:
            return found.astype(np.float64)  # `[]`, a matrix without rows
        return found

    def _check_kind(self, declared: Input, found: Array) -> None:
        allowed = {"real": "fiu", "int": "iu", "index": "iu", "bool": "biu"}[declared.type]
        if found.dtype.kind not in allowed and found.size > 0:
            kind = {"O": "objects", "U": "text", "S": "bytes"}.get(found.dtype.kind,
                                                                   found.dtype.name)
            self._fail(declared, f"found {kind}, expected {_WANTED[declared.type]}")

    def _cast(self, declared: Input, found: Array, wanted: np.dtype[Any]) -> Array:
        if found.dtype.kind == "u" and wanted.kind == "i" and found.size > 0:
            most = np.iinfo(np.int64).max
            if int(found.max()) > most:
                self._fail(declared, f"found {int(found.max())}, expected at most {most}")
        return found.astype(wanted, order="K")

    @staticmethod
    def _fail(declared: Input, text: str) -> NoReturn:
        raise DataError(f"`{declared.name}`: {text}", declared.name, declared.place)


def read_json(data: Any) -> Optional[str]:
    """The text of a JSON file or object; None where `data` is neither."""
    if isinstance(data, str) and data.lstrip().startswith("{"):
        return data
    if not isinstance(data, (str, os.PathLike)):
        return None
    try:
        with open(data, encoding="utf-8") as file:
            return file.read()
    except OSError as problem:
        raise DataError(f"cannot read `{os.fspath(data)}`: {problem.strerror}") from None
    except UnicodeDecodeError:
        raise DataError(f"`{os.fspath(data)}` is not UTF-8") from None


_NUMBERS = {"NaN": np.nan, "nan": np.nan, "+inf": np.inf, "inf": np.inf, "Infinity": np.inf,
            "+Infinity": np.inf, "-inf": -np.inf, "-Infinity": -np.inf}


def _number(value: Any) -> Any:
    if isinstance(value, list):
        return [_number(element) for element in value]
    return _NUMBERS.get(value, np.nan) if isinstance(value, str) else value


def json_values(text: str, inputs: Tuple[Input, ...]) -> Dict[str, Array]:
    """The inputs that a JSON object holds, which the runtime has taken."""
    found = json.loads(text)
    return {
        i.name: np.asarray(_number(found[i.name]), np.float64 if i.type == "real" else np.int64)
        for i in inputs if i.name in found
    }


def json_point(text: str) -> Dict[str, Array]:
    """Values of sites by name, or `params_r`."""
    try:
        found = json.loads(text)
        return {name: np.asarray(_number(value), np.float64) for name, value in found.items()}
    except (ValueError, AttributeError) as problem:
        raise DataError(f"the starting point: {problem}") from None
