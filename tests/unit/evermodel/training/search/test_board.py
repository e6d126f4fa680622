import json

import pytest
from fsspec.implementations.local import LocalFileSystem

from evermodel.artifact.store import write_bytes
from evermodel.errors import DataError, RunError, SpecError
from evermodel.training.search.board import Failure, MemoryBoard
from evermodel.training.search.store_board import StoreBoard
from tests.unit.evermodel.training.search.bench import trial


class Clock:
    """A clock that goes on when it is told to."""

    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture(params=["memory", "file", "object store"])
def boards(request, tmp_path):
    """The same board, as two workers see it, and their clock."""
    clock = Clock()
    if request.param == "memory":
        board = MemoryBoard()
        return board, board, clock
    root = str(tmp_path) if request.param == "file" else f"memory://{tmp_path}"
    return StoreBoard(root, clock), StoreBoard(root, clock), clock


def test_what_one_worker_puts_the_other_sees(boards):
    one, other, _ = boards
    assert other.results() == {}
    put = trial(3, 0.5, params={"a": None, "b": [1.5, True]})
    one.put(put)
    assert other.results() == one.results() == {3: put}


def test_the_first_result_stays(boards):
    one, other, _ = boards
    one.put(trial(3, 0.5, worker="0"))
    other.put(trial(3, 0.5, worker="1"))
    assert other.results()[3].worker == one.results()[3].worker == "0"


def test_a_trial_is_claimed_by_one_worker(boards):
    one, other, _ = boards
    assert one.claim(3, "0")
    assert not other.claim(3, "1")
    assert other.claim(4, "1")
    assert one.begun() == other.begun() == 5


def test_a_worker_that_begins_again_takes_its_own_trial(boards):
    one, other, _ = boards
    assert one.claim(3, "0")
    assert other.claim(3, "0")


def test_end_and_failure_are_seen_by_all(boards):
    one, other, _ = boards
    assert (other.end(), other.failure()) == (None, None)
    one.put_end(5)
    one.put_failure(Failure.of(SpecError("ParameterUnknown", "no such parameter")))
    assert other.end() == 5
    error = other.failure().as_error()
    assert (type(error), error.reason, str(error)) == (SpecError, "ParameterUnknown", "no such parameter")


@pytest.mark.parametrize("error", [DataError("NoRows", "none"), RunError("Crashed", "x"), SpecError("FitFailed", "y")])
def test_a_failure_is_the_same_error_again(error):
    again = Failure.of(error).as_error()
    assert (type(again), again.reason, str(again)) == (type(error), error.reason, str(error))


def two(tmp_path):
    clock = Clock()
    return StoreBoard(str(tmp_path), clock, stale_after=30), StoreBoard(str(tmp_path), clock, stale_after=30), clock


def test_a_claim_that_does_not_change_is_nobodys(tmp_path):
    # given a worker that died
    one, other, clock = two(tmp_path)
    assert one.claim(3, "0")
    assert not other.claim(3, "1")
    clock.now += 30
    assert not other.claim(3, "1")
    # when it has been silent for long enough
    clock.now += 1
    # then another one is at it, by whom it is kept from the first
    assert other.claim(3, "1")
    assert not one.claim(3, "0")


def test_a_claim_that_is_meant_stays(tmp_path):
    one, other, clock = two(tmp_path)
    assert one.claim(3, "0")
    for _ in range(5):
        assert not other.claim(3, "1")
        clock.now += 25
        one.beat()
    assert not other.claim(3, "1")


def test_a_trial_that_ended_is_claimed_no_more(tmp_path):
    one, _, _ = two(tmp_path)
    one.claim(3, "0")
    before = (tmp_path / "claims" / "3.json").read_bytes()
    one.put(trial(3, 0.5))
    one.beat()
    assert (tmp_path / "claims" / "3.json").read_bytes() == before


def test_who_writes_last_at_the_same_moment_has_the_claim(tmp_path, monkeypatch):
    # given two workers that both saw that nobody is at it
    one, other, _ = two(tmp_path)
    real, looks = one._held, []

    def held(number):
        looks.append(number)
        if len(looks) == 2:  # the other one writes after this one, and before its second look
            monkeypatch.setattr(other, "_is_stale", lambda *_: True)
            assert other.claim(number, "1")
        return real(number)

    monkeypatch.setattr(one, "_held", held)
    # then the first one leaves it alone
    assert not one.claim(3, "0")
    assert looks == [3, 3]


def test_what_a_killed_process_was_writing_is_not_seen(tmp_path):
    one, other, _ = two(tmp_path)
    one.put(trial(0, 0.5))
    (tmp_path / "trials" / ".1.json.abc").write_text("{")
    assert set(other.results()) == {0}


def test_a_file_that_is_no_trial_is_told(tmp_path):
    write_bytes(str(tmp_path / "trials" / "0.json"), json.dumps({"number": 0}).encode())
    with pytest.raises(DataError, match=r"0\.json is no trial of a search; remove the file") as caught:
        two(tmp_path)[0].results()
    assert caught.value.reason == "RecordInvalid"


def test_a_store_that_remembers_listings_is_asked_anew(tmp_path, monkeypatch):
    # given a file system that keeps a listing until it is told to forget it
    one, other, _ = two(tmp_path)
    kept = {}
    real = LocalFileSystem.ls

    def ls(self, path, **named):
        return kept.setdefault(path, real(self, path, **named))

    monkeypatch.setattr(LocalFileSystem, "ls", ls)
    monkeypatch.setattr(LocalFileSystem, "invalidate_cache", lambda *_: kept.clear())
    one.put(trial(0, 0.5))
    assert set(other.results()) == {0}
    # when another worker puts a trial
    one.put(trial(1, 0.5))
    # then it is seen
    assert set(other.results()) == {0, 1}
