"""`compiled.bin`: a program as bytes. A JSON header and plain arrays, so that nothing in it can run.

    magic (8 bytes)   length of the header (8 bytes, little-endian)   header   arrays, each at a multiple of 64 bytes

The header names the arrays in order with their types and shapes; where they lie follows from that. Equal programs have
equal bytes. Every bound is checked when a file is read: what does not fit is refused, whoever wrote it.
"""

import json
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evermodel.compiled.check import Check
from evermodel.compiled.model import DamagedError, below, under
from evermodel.compiled.program import Program
from evermodel.errors import DataError

MAGIC = b"evmodel\x01"
_ALIGNED = 64
_TYPES = {name: np.dtype(f"<{name}") for name in ("f8", "f4", "i8", "i4", "i2", "u8", "u4", "u2", "i1", "u1")}
_NAMES = {dtype.newbyteorder("="): name for name, dtype in _TYPES.items()}
_DIMENSIONS = 4
_LARGEST = 1 << 40


def encode(program: Program, check: Check) -> bytes:
    """The program and its check as canonical bytes."""
    told, arrays = program.describe()
    checked, more = check.describe()
    arrays = {**under("program", arrays), **under("check", more)}
    entries: list[dict[str, Any]] = []
    pieces: list[bytes] = []
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name]).reshape(arrays[name].shape)
        kind = _NAMES[array.dtype.newbyteorder("=")]
        entries.append({"name": name, "type": kind, "shape": list(array.shape)})
        data = array.astype(_TYPES[kind], copy=False).tobytes()
        pieces.append(data + bytes(-len(data) % _ALIGNED))
    header = {"arrays": entries, "check": checked, "program": told}
    text = json.dumps(header, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()
    start = MAGIC + len(text).to_bytes(8, "little") + text
    return b"".join((start, bytes(-len(start) % _ALIGNED), *pieces))


def decode(content: bytes | memoryview) -> tuple[Program, Check]:
    """The program and its check. The arrays are views of `content`.

    Raises:
        DataError: `ArtifactInvalid` when the bytes are no compiled model that this image reads.
    """
    try:
        header, arrays = _parts(memoryview(content))
        told, checked = header.get("program"), header.get("check")
        if not isinstance(told, dict) or not isinstance(checked, dict):
            raise DamagedError("it has no program or no check")  # noqa: TRY301  one place turns it into a sentence
        program = Program.from_parts(told, below("program", arrays))
        return program, Check.from_parts(checked, below("check", arrays), program.columns, program.model.outputs)
    except (DamagedError, RecursionError) as error:
        raise DataError(
            "ArtifactInvalid", f"the compiled model cannot be read: {error}; train the model again"
        ) from error


def _parts(content: memoryview) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    before = len(MAGIC) + 8
    if bytes(content[: len(MAGIC)]) != MAGIC:
        raise DamagedError("it does not begin as one of this version")
    length = int.from_bytes(content[len(MAGIC) : before], "little")
    if length > len(content) - before:
        raise DamagedError("it ends within its header")
    try:
        header = json.loads(bytes(content[before : before + length]), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise DamagedError("its header is no JSON") from error
    entries = header.get("arrays") if isinstance(header, dict) else None
    if not isinstance(entries, list):
        raise DamagedError("its header names no arrays")
    arrays: dict[str, NDArray[Any]] = {}
    place = before + length
    for entry in entries:
        place += -place % _ALIGNED
        name, array = _array(entry, content, place)
        arrays[name] = array
        place += array.nbytes
    if place + -place % _ALIGNED != len(content):
        raise DamagedError("it has another length than its header says")
    return header, arrays


def _array(entry: Any, content: memoryview, place: int) -> tuple[str, NDArray[Any]]:
    name, kind, shape = (entry.get(key) if isinstance(entry, dict) else None for key in ("name", "type", "shape"))
    if not isinstance(name, str) or not isinstance(kind, str) or kind not in _TYPES:
        raise DamagedError("its header names an array without a name or type")
    if not isinstance(shape, list) or len(shape) > _DIMENSIONS:
        raise DamagedError("its header names an array without a shape")
    if not all(type(length) is int and 0 <= length < _LARGEST for length in shape) or (
        math.prod(filter(None, shape)) > _LARGEST  # an empty array may be too large for numpy
    ):
        raise DamagedError(f"the array {name[:40]!r} has an impossible shape")
    count, dtype = math.prod(shape), _TYPES[kind]
    if place > len(content) or count * dtype.itemsize > len(content) - place:
        raise DamagedError(f"the array {name[:40]!r} reaches beyond its end")
    if count == 0:
        return name, np.empty(shape, dtype=dtype)
    return name, np.frombuffer(content, dtype=dtype, count=count, offset=place).reshape(shape)


def _refuse_constant(word: str) -> None:
    raise ValueError(f"{word} is no JSON")
