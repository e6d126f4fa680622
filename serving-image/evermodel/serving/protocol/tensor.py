"""One tensor of the Open Inference Protocol: shape, datatype, and data: in JSON nested or flat, or as bytes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import Any

from evermodel.serving.check import show
from evermodel.serving.faults import BadRequestError, TooLargeError
from evermodel.serving.protocol.binary import Data, Rest, decode, from_base64
from evermodel.serving.protocol.parameters import Parameters, is_base64, read_parameters

_INTEGERS = {f"{sign}INT{bits}": (sign == "U", bits) for sign in ("", "U") for bits in (8, 16, 32, 64)}
_FLOATS = frozenset({"FP16", "FP32", "FP64"})
DATATYPES = ("BOOL", *_INTEGERS, *sorted(_FLOATS), "BYTES")
_TYPES = {
    "BYTES": frozenset({str, type(None)}),
    "BOOL": frozenset({bool, type(None)}),
    **dict.fromkeys(_FLOATS, frozenset({float, int, type(None)})),
}
"""Where the types alone say that the elements fit; integers have ranges too."""
_SHORT = 128
"""Names up to this length are remembered: what clients send must not fill the memory."""
MAX_ELEMENTS = 10_000_000
"""A shape that promises more is refused before anything is counted."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """A tensor whose data fit its shape and datatype."""

    name: str
    shape: tuple[int, ...]
    datatype: str
    data: Data
    """Flat, row-major; None, or NaN in an array, is a missing value."""


def parse_tensor(document: object, position: int, rest: Rest | None = None, content_type: str | None = None) -> Tensor:
    """Read one element of `inputs`.

    Args:
        document: the element.
        position: which one it is.
        rest: the bytes behind the JSON; None where the body is JSON only.
        content_type: that of the request.

    Raises:
        BadRequestError: which input, what was expected and what came.
        TooLargeError: when the shape is beyond any request.
    """
    if not isinstance(document, dict):
        raise BadRequestError(f"inputs[{position}]: expected an object, got {show(document)}")
    name = document.get("name")
    if not isinstance(name, str) or not name:
        raise BadRequestError(f'inputs[{position}]: "name" must be a text, got {show(name)}')
    where = _where(name) if len(name) <= _SHORT else f"input {show(name)}"
    shape = read_shape(where, document.get("shape"))
    datatype = document.get("datatype")
    if not isinstance(datatype, str) or datatype not in DATATYPES:
        raise unknown_datatype(where, datatype)
    if document.get("parameters") is None and content_type is None:  # most requests
        return Tensor(name, shape, datatype, _elements(where, datatype, _flat(where, document.get("data"), shape)))
    parameters = read_parameters(where, document.get("parameters"))
    if "binary_data_size" in parameters:
        data = _binary_data(where, document, datatype, prod(shape), rest)
    else:
        data = _elements(where, datatype, _flat(where, document.get("data"), shape))
    return Tensor(name, shape, datatype, interpret(where, data, datatype, parameters, content_type))


@lru_cache(4096)
def _where(name: str) -> str:
    """How errors name a tensor. Each column of each request needs it, and clients send the same names again."""
    return f"input {show(name)}"


def interpret(where: str, data: Data, datatype: str, parameters: Parameters, content_type: str | None) -> Data:
    """The elements as the `content_type` of their tensor, else that of the request, says.

    Raises:
        BadRequestError: they are not as it says, or it is none that is read here.
    """
    if is_base64(where, parameters, datatype, content_type) and isinstance(data, list):
        return from_base64(where, data)
    return data


def _binary_data(where: str, document: dict[str, Any], datatype: str, count: int, rest: Rest | None) -> Data:
    if rest is None:
        raise BadRequestError(
            f"{where}: it has a binary_data_size, and the request no header Inference-Header-Content-Length, which says"
            " how many bytes of the body are its JSON"
        )
    if "data" in document:
        raise BadRequestError(f'{where}: it has "data" and a binary_data_size; send one of them')
    return decode(where, datatype, count, rest.take(where, document["parameters"]["binary_data_size"]))


def unknown_datatype(where: str, datatype: object) -> BadRequestError:
    """What is told of a datatype that is none of the protocol."""
    return BadRequestError(f"{where}: datatype must be one of {', '.join(DATATYPES)}, got {show(datatype)}")


def read_shape(where: str, shape: object) -> tuple[int, ...]:
    """The shape of a tensor.

    Raises:
        BadRequestError: it is no list of whole numbers.
        TooLargeError: it is beyond any request.
    """
    if not isinstance(shape, list) or not shape or any(type(size) is not int or size < 0 for size in shape):
        raise BadRequestError(f"{where}: shape must be a list of whole numbers from 0 on, got {show(shape)}")
    if len(shape) > 8 or prod(shape) > MAX_ELEMENTS:
        raise TooLargeError(f"{where}: a tensor of shape {show(shape)} is above the limit of {MAX_ELEMENTS} values")
    return tuple(shape)


def _flat(where: str, data: object, shape: tuple[int, ...]) -> list[Any]:
    if not isinstance(data, list):
        raise BadRequestError(f'{where}: "data" must be a list, got {show(data)}')
    flat = _unnest(where, data, shape) if data and isinstance(data[0], list) else data
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


def rows_of(data: list[Any], width: int) -> Sequence[list[Any]]:
    """The rows of a tensor of shape [n, width]."""
    return [data[start : start + width] for start in range(0, len(data), width)]
