"""One file of records, mapped into memory: appended by one process, readable by the next however this one ends.

A record is a payload and an entry in an index. Payloads grow from the head of the file and entries from its end, both
of which are allocated on the disk when the file is made: a full disk is met there and nowhere else. A record counts
from the moment that the number of records in the header is raised, which is written last and in one piece. What is in
the mapping is the kernel's: it survives the death of the process, though not that of the node.
"""

import mmap
import os
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ENTRY = np.dtype(
    [
        ("at", "<i8"),
        ("place", "<u4"),
        ("length", "<u4"),
        ("rows", "<u4"),
        ("id_length", "<u2"),
        ("shares", "<u2"),
        ("number", "<u4"),
        ("crc", "<u4"),
    ]
)
"""What the index says of a record: when it came (microseconds), where its payload begins and how long it is, how many
rows, how long its id, how many probabilities a row, its number in the file, and the CRC-32 of it all."""

_HEAD = struct.Struct("<qIIIHHI")
_CRC = struct.Struct("<I")
_MAGIC = 0x31_4C_4F_4F_50_53_4D_45
_HEADER_BYTES = 256
_SIZE, _COMMITTED, _CONSUMED = 1, 8, 16
"""Places of 8 bytes in the header, each of the two counts in a line of the processor's cache of its own."""
_LONGEST = 1 << 31

Index = NDArray[np.void]


@dataclass(frozen=True)
class Records:
    """Some records of one segment, one after the other."""

    index: Index
    """Their entries (dtype `ENTRY`), shape (records,)."""
    content: NDArray[np.uint8]
    """The whole file."""

    @property
    def rows(self) -> int:
        """Rows of all of them."""
        return int(self.index["rows"].sum(dtype=np.int64))

    def __len__(self) -> int:
        return len(self.index)


def needed_bytes(payload: int) -> int:
    """Size of the smallest segment that holds one record with a payload of this length."""
    return _HEADER_BYTES + _padded(payload) + ENTRY.itemsize


def _padded(length: int) -> int:
    return (length + 7) & ~7


class Segment:
    """One file. Appending is for one thread at a time."""

    def __init__(self, path: Path, mapping: mmap.mmap) -> None:
        self.path = path
        self._map = mapping
        self._size = len(mapping)
        self._words = memoryview(mapping)[:_HEADER_BYTES].cast("Q")
        self._count = self.committed
        self._end = _HEADER_BYTES

    @classmethod
    def create(cls, path: Path, size: int) -> "Segment":
        """Make an empty segment.

        Raises:
            OSError: there is no room for it, or no right to make it; then nothing is left of it.
        """
        if size >= _LONGEST:
            raise OSError(f"a record of {size} bytes is too large")
        size = _padded(size)
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(file, 0, size)
            segment = cls(path, mmap.mmap(file, size))
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        finally:
            os.close(file)
        segment._words[_SIZE] = size
        segment._words[0] = _MAGIC
        return segment

    @classmethod
    def open(cls, path: Path) -> "Segment | None":
        """Open a segment to read it; None when its process died while it was being made.

        Raises:
            OSError: it cannot be read.
        """
        file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            size = os.fstat(file).st_size
            if size < _HEADER_BYTES:
                return None
            mapping = mmap.mmap(file, size)
        finally:
            os.close(file)
        words = memoryview(mapping)[:_HEADER_BYTES].cast("Q")
        return cls(path, mapping) if words[0] == _MAGIC and words[_SIZE] == size else None

    @property
    def committed(self) -> int:
        """Records that are in it."""
        return self._words[_COMMITTED]

    @property
    def consumed(self) -> int:
        """Records, from the first on, that are in the store."""
        return self._words[_CONSUMED]

    def consume(self, records: int) -> None:
        """Note that so many records are in the store."""
        self._words[_CONSUMED] = records

    def append(self, at: int, rows: int, shares: int, identity: bytes, payload: bytes) -> bool:
        """Add a record; False when there is no room for it.

        Args:
            at: when it came, in microseconds since 1970.
            rows: how many rows it has.
            shares: how many probabilities each row has.
            identity: the request id. The payload holds it behind its numbers.
            payload: all that is kept, numbers of 8 bytes first.
        """
        number, place, length = self._count, self._end, len(payload)
        end = place + _padded(length)
        entry = self._size - ENTRY.itemsize * (number + 1)
        if end > entry:
            return False
        head = _HEAD.pack(at, place, length, rows, len(identity), shares, number)
        self._map[place : place + length] = payload
        self._map[entry : entry + ENTRY.itemsize] = head + _CRC.pack(zlib.crc32(payload, zlib.crc32(head)))
        self._end = end
        self._count = number + 1
        self._words[_COMMITTED] = self._count
        return True

    def records(self, first: int, end: int) -> Records:
        """The records from `first` to before `end`, which is at most `committed`. They refer to the mapping."""
        content = np.frombuffer(self._map, np.uint8)
        count = min(end, (self._size - _HEADER_BYTES) // ENTRY.itemsize)
        index = np.frombuffer(self._map, ENTRY, count, self._size - ENTRY.itemsize * count)
        return Records(index[::-1][first:], content)

    def sound_records(self) -> int:
        """Up to which record those that are not in the store yet are whole: a dead process is trusted no further."""
        first = self.consumed
        if first > self.committed:
            return 0
        records = self.records(first, self.committed)
        for number, entry in enumerate(records.index, first):
            if not self._is_sound(number, entry):
                return number
        return first + len(records)

    def _is_sound(self, number: int, entry: np.void) -> bool:
        place, length = int(entry["place"]), int(entry["length"])
        is_inside = place >= _HEADER_BYTES and place + length <= self._size and place % 8 == 0
        if not is_inside or entry["number"] != number or entry["rows"] == 0:
            return False
        head = entry.tobytes()[: _HEAD.size]
        return bool(zlib.crc32(self._map[place : place + length], zlib.crc32(head)) == entry["crc"])
