"""One file of records: what was committed is there, whenever its process ended and whatever became of its bytes."""

import struct
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evermodel.serving.spool.segment import _COMMITTED, _CONSUMED, Segment, needed_bytes
from tests.unit.evermodel.serving.spool.conftest import payload

SIZE = 2048


def contents(segment: Segment, end: int) -> list[bytes]:
    records = segment.records(0, end)
    return [records.content[e["place"] : e["place"] + e["length"]].tobytes() for e in records.index]


def set_word(path, word: int, value: int) -> None:
    data = bytearray(path.read_bytes())
    data[8 * word : 8 * word + 8] = struct.pack("<Q", value)
    path.write_bytes(data)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=120), min_size=1, max_size=40))
def test_what_was_appended_is_found_by_the_next_process(tmp_path_factory, payloads):
    # given a segment that takes what fits
    path = tmp_path_factory.mktemp("segment") / "a.seg"
    segment = Segment.create(path, SIZE)
    taken = [p for number, p in enumerate(payloads) if segment.append(number, 1 + number, 2, b"id", p)]
    # when somebody else opens it
    found = Segment.open(path)
    # then all of it is there, in order, and sound
    assert found.committed == found.sound_records() == len(taken)
    assert contents(found, found.committed) == taken


def test_one_record_fits_into_what_it_is_said_to_need(tmp_path):
    for size in (0, 1, 7, 8, 9, 5000):
        segment = Segment.create(tmp_path / f"{size}.seg", needed_bytes(size))
        assert segment.append(0, 1, 0, b"", bytes(size))
        assert not segment.append(0, 1, 0, b"", b"")


def test_a_record_that_was_not_committed_is_not_there(tmp_path):
    # given a process that died when all but the count of a record was written
    path = tmp_path / "a.seg"
    segment = Segment.create(path, SIZE)
    for number in range(3):
        segment.append(0, 1, 0, b"", payload(number))
    set_word(path, _COMMITTED, 2)
    # then the next one finds those before it
    found = Segment.open(path)
    assert contents(found, found.sound_records()) == [payload(0), payload(1)]


@pytest.mark.parametrize("kept", [0, 1, 100, 255, 256, SIZE - 1])
def test_a_file_that_is_not_whole_is_none(tmp_path, kept):
    path = tmp_path / "a.seg"
    Segment.create(path, SIZE).append(0, 1, 0, b"", b"x")
    path.write_bytes(path.read_bytes()[:kept])
    assert Segment.open(path) is None


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(0, SIZE - 1), st.integers(1, 255)), min_size=1, max_size=5), st.integers(0, 3))
def test_damaged_bytes_are_refused_and_never_read_as_records(tmp_path_factory, flips, consumed):
    # given a segment of which bytes were changed
    path = tmp_path_factory.mktemp("segment") / "a.seg"
    segment = Segment.create(path, SIZE)
    whole = [payload(number, 90 + number) for number in range(6)]
    for text in whole:
        segment.append(7, 1, 0, b"", text)
    segment.consume(consumed)
    data = bytearray(path.read_bytes())
    for place, change in flips:
        data[place] ^= change
    path.write_bytes(data)
    # when it is read, then what is called sound and is not stored yet is what was written
    found = Segment.open(path)
    if found is not None:
        end = found.sound_records()
        if found.consumed <= end:
            assert contents(found, end)[found.consumed : end] == whole[found.consumed : end]


def test_damage_in_what_is_stored_costs_nothing(tmp_path):
    # given a segment whose first record is in the store, and then damaged
    path = tmp_path / "a.seg"
    segment = Segment.create(path, SIZE)
    for number in range(4):
        segment.append(0, 1, 0, b"", payload(number))
    segment.consume(1)
    place = int(segment.records(0, 1).index[0]["place"])
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)
    # then the others are sound all the same
    assert Segment.open(path).sound_records() == 4


@pytest.mark.parametrize("value", [5, 2**32, 2**64 - 1])
def test_counts_that_cannot_be_are_not_believed(tmp_path, value):
    path = tmp_path / "a.seg"
    segment = Segment.create(path, SIZE)
    for number in range(4):
        segment.append(0, 1, 0, b"", payload(number))
    set_word(path, _COMMITTED, value)
    assert Segment.open(path).sound_records() == 4
    set_word(path, _COMMITTED, 4)
    set_word(path, _CONSUMED, value)
    assert Segment.open(path).sound_records() == 0


FULL = """
import resource, sys
from pathlib import Path
from evermodel.serving.spool.segment import Segment
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
path = Path(sys.argv[1])
try:
    Segment.create(path, 8192)
except OSError as error:
    print(error.strerror, path.exists())
assert Segment.create(path, 4096).append(0, 1, 0, b"", b"x")
print("fits")
"""


def test_no_room_is_met_when_a_segment_is_made_and_leaves_nothing(tmp_path):
    # given a process that may not make large files, when it makes a segment that is too large
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path / "a.seg")], capture_output=True, text=True, check=True
    )
    # then it is told so, nothing is left, and it goes on
    assert done.stdout == "File too large False\nfits\n"


def test_a_record_beyond_every_file_is_refused(tmp_path):
    with pytest.raises(OSError, match="too large"):
        Segment.create(tmp_path / "a.seg", 1 << 31)
    assert not (tmp_path / "a.seg").exists()
