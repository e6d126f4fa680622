"""One tensor of the Open Inference Protocol in JSON: shape, datatype, and data that may be nested or flat."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from evermodel.serving.check import show
from evermodel.serving.faults import BadRequestError, TooLargeError

_INTEGERS = {f"{sign}INT{bits}": (sign == "U", bits) for sign in ("", "U") for bits in (8, 16, 32, 64)}
_FLOATS = frozenset({"FP16", "FP32", "FP64"})
DATATYPES = ("BOOL", *_INTEGERS, *sorted(_FLOATS), "BYTES")
_TYPES = {
    "BYTES": frozenset({str, type(None)}),
    "BOOL": frozenset({bool, type(None)}),
    **dict.fromkeys(_FLOATS, frozenset({float, int, type(None)})),
}
"""Where the types alone say that the elements fit; integers have ranges too."""
_CONTENT_TYPES = frozenset({None, "pd", "np", "str"})
MAX_ELEMENTS = 10_000_000
"""A shape that promises more is refused before anything is counted."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor whose data fit its shape and datatype."""

    name: str
    shape: tuple[int, ...]
    datatype: str
    data: list[Any]
    """Flat, row-major; None is a missing value."""


def parse_tensor(document: object, position: int) -> Tensor:
    """Read one element of `inputs`.

    Raises:
        BadRequestError: which input, what was expected and what came.
        TooLargeError: when the shape is beyond any request.
    """
    if not isinstance(document, dict):
        raise BadRequestError(f"inputs[{position}]: expected an object, got {show(document)}")
    name = document.get("name")
    if not isinstance(name, str) or not name:
        raise BadRequestError(f'inputs[{position}]: "name" must be a text, got {show(name)}')
    where = f"input {show(name)}"
    _check_parameters(where, document.get("parameters"))
    shape = _shape(where, document.get("shape"))
    datatype = document.get("datatype")
    if not isinstance(datatype, str) or datatype not in DATATYPES:
        raise BadRequestError(f"{where}: datatype must be one of {', '.join(DATATYPES)}, got {show(datatype)}")
    data = _flat(where, document.get("data"), shape)
    return Tensor(name, shape, datatype, _elements(where, datatype, data))


def _check_parameters(where: str, parameters: object) -> None:
    if parameters is None:
        return
    if not isinstance(parameters, dict):
        raise BadRequestError(f"{where}: parameters must be an object, got {show(parameters)}")
    if "binary_data_size" in parameters:
        raise BadRequestError(f'{where}: binary data are not read here; send the values as JSON in "data"')
    content_type = parameters.get("content_type")
    if not (content_type is None or isinstance(content_type, str)) or content_type not in _CONTENT_TYPES:
        raise BadRequestError(
            f"{where}: content_type {show(content_type)} is not read here; use pd, np or str, or none"
        )


def _shape(where: str, shape: object) -> tuple[int, ...]:
    if not isinstance(shape, list) or not shape or any(type(size) is not int or size < 0 for size in shape):
        raise BadRequestError(f"{where}: shape must be a list of whole numbers from 0 on, got {show(shape)}")
    if len(shape) > 8 or prod(shape) > MAX_ELEMENTS:
        raise TooLargeError(f"{where}: a tensor of shape {show(shape)} is above the limit of {MAX_ELEMENTS} values")
    return tuple(shape)


def _flat(where: str, data: object, shape: tuple[int, ...]) -> list[Any]:
    if not isinstance(data, list):
        raise BadRequestError(f'{where}: "data" must be a list, got {show(data)}')
    flat = _unnest(where, data, shape) if any(isinstance(item, list) for item in data) else data
    if len(flat) != prod(shape):
        raise BadRequestError(f"{where}: shape {list(shape)} means {prod(shape)} values, data has {len(flat)}")
    return flat


def _unnest(where: str, data: list[Any], shape: tuple[int, ...]) -> list[Any]:
    """Flatten nested data level by level, holding each level against the shape."""
    level: list[Any] = data
    for axis, size in enumerate(shape):
        expected = prod(shape[: axis + 1])
        if len(level) != expected:
            raise BadRequestError(
                f"{where}: data does not have the shape {list(shape)}: axis {axis} should have {size} values"
            )
        if axis == len(shape) - 1:
            break
        inner: list[Any] = []
        for index, item in enumerate(level):
            if not isinstance(item, list) or len(item) != shape[axis + 1]:
                raise BadRequestError(
                    f"{where}: data does not have the shape {list(shape)}: place {index} of axis {axis}"
                    f" should be a list of {shape[axis + 1]} values, got {show(item)}"
                )
            inner.extend(item)
        level = inner
    return level


def _elements(where: str, datatype: str, data: list[Any]) -> list[Any]:
    """The elements as the datatype wants them; a missing value (null) is possible in each."""
    if set(map(type, data)) <= _TYPES.get(datatype, frozenset()):
        return data
    fits = _predicate(datatype)
    for index, value in enumerate(data):
        if value is not None and not fits(value):
            raise BadRequestError(f"{where}, value {index}: expected {datatype}, got {show(value)}")
    return data


def _predicate(datatype: str) -> Callable[[Any], bool]:
    if datatype == "BYTES":
        return lambda value: type(value) is str
    if datatype == "BOOL":
        return lambda value: type(value) is bool
    if datatype in _FLOATS:
        return lambda value: type(value) is float or type(value) is int
    unsigned, bits = _INTEGERS[datatype]
    low, high = (0, 2**bits - 1) if unsigned else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    return lambda value: (
        (type(value) is int or (type(value) is float and value.is_integer())) and bool(low <= value <= high)
    )


def rows_of(tensor: Tensor, width: int) -> Sequence[list[Any]]:
    """The rows of a tensor of shape [n, width]."""
    return [tensor.data[start : start + width] for start in range(0, len(tensor.data), width)]
