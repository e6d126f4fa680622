"""The thread that empties streams: it tries again, keeps within the limit, and counts exactly."""

import shutil
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager

import pytest

from evermodel.serving.spool import stream as stream_module
from evermodel.serving.spool.folder import used_bytes
from evermodel.serving.spool.spool import Limits, Spool
from tests.unit.evermodel.serving.spool.conftest import FORMS, NumbersForm, Store, payload

QUICK = Limits(
    total_bytes=1 << 20,
    segment_bytes=4096,
    first_retry=0.01,
    last_retry=0.05,
    first_look=0.0,
    look_seconds=0.05,
    close_seconds=5.0,
)


def wait_until(condition, seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.005)


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(stream_module, "RETRY_SECONDS", 0.01)


@contextmanager
def spool_of(root, store, name="pod-0", limits=QUICK, interval=0.02):
    spool = Spool(root, name, store.write, FORMS, limits)
    stream = spool.open_stream(NumbersForm(), interval)
    try:
        yield stream
    finally:
        spool.close_stream(stream)


def append(stream, numbers, size: int = 50) -> list[int]:
    return [number for number in numbers if stream.append(0, 1, 0, b"", payload(number, size))]


def is_exact(stream) -> bool:
    counts = stream.counts
    return counts.received == counts.stored + counts.dropped + counts.pending and counts.pending >= 0


def test_what_comes_is_stored_soon_and_all_of_it_at_the_end(tmp_path):
    store = Store()
    with spool_of(tmp_path, store) as stream:
        taken = append(stream, range(500))
        wait_until(lambda: stream.counts.stored == 500)
        taken += append(stream, range(500, 600))
    assert store.numbers() == Counter(taken) == Counter(range(600))
    assert stream.counts.pending == stream.counts.dropped == 0
    # and nothing of the process is left
    assert [path for path in tmp_path.iterdir() if path.is_dir()] == []


def test_a_store_that_is_away_and_comes_back_has_everything_once(tmp_path, capsys):
    # given a store that is away
    store = Store()
    store.away = True
    with spool_of(tmp_path, store) as stream:
        taken = append(stream, range(300))
        wait_until(lambda: stream.counts.write_failures > 3)
        assert (stream.counts.pending, stream.counts.stored) == (300, 0)
        # when it comes back, and goes away in the middle, and comes back
        store.away = False
        wait_until(lambda: stream.counts.stored > 0)
        store.away = True
        taken += append(stream, range(300, 400))
        time.sleep(0.05)
        store.away = False
        wait_until(lambda: stream.counts.pending == 0)
    # then everything is there once, and the failure was told a few times only
    assert store.numbers() == Counter(taken) == Counter(range(400))
    assert 1 <= capsys.readouterr().err.count("the store cannot be written") <= 3


def test_beyond_the_limit_things_are_dropped_and_counted_and_nobody_waits(tmp_path, capsys):
    # given a spool of 16 KiB and a store that is away
    limits = Limits(16384, 4096, 0.01, 0.05, 10.0, 10.0, 0.2)
    store = Store()
    store.away = True
    with spool_of(tmp_path, store, limits=limits) as stream:
        started = time.monotonic()
        taken = append(stream, range(2000), 100)
        assert time.monotonic() - started < 2
        # then it has taken what fits, and counted the others
        assert 16384 // 160 - 8 <= len(taken) < 16384 // 100
        assert (stream.counts.received, stream.counts.dropped) == (2000, 2000 - len(taken))
        assert used_bytes(tmp_path) == 16384
        assert capsys.readouterr().err.count("has all of its 16384 bytes") == 1
        # when the store comes back, there is room again
        store.away = False
        wait_until(lambda: stream.counts.pending == 0)
        time.sleep(0.02)
        taken += append(stream, range(2000, 2010))
        assert is_exact(stream)
    assert store.numbers() == Counter(taken)
    assert set(range(2000, 2010)) <= set(taken)


def test_what_could_not_be_stored_stays_for_the_next_process(tmp_path, capsys):
    store = Store()
    store.away = True
    with spool_of(tmp_path, store, limits=Limits(1 << 20, 4096, 0.01, 0.05, 10.0, 10.0, 0.1)) as stream:
        taken = append(stream, range(100))
    assert stream.counts.pending == 100
    assert "100 are not in the store yet and stay in" in capsys.readouterr().err
    # when the next one comes
    store.away = False
    spool = Spool(tmp_path, "pod-1", store.write, FORMS, QUICK)
    other = spool.open_stream(NumbersForm(), 0.02)
    wait_until(lambda: spool.recovered(NumbersForm()) == 100)
    # then it stores them, and does not count them as its own
    assert other.counts.received == 0
    spool.close_stream(other)
    assert store.numbers() == Counter(taken)


def test_two_processes_with_one_spool_do_not_touch_one_another(tmp_path):
    store = Store()
    with spool_of(tmp_path, store, "a") as one, spool_of(tmp_path, store, "b") as other:
        for start in range(0, 400, 20):
            append(one, range(start, start + 10))
            append(other, range(start + 10, start + 20))
        wait_until(lambda: one.counts.stored == other.counts.stored == 200)
    assert store.numbers() == Counter(range(400))


def test_many_threads_append_at_once(tmp_path):
    store, taken = Store(), []
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with spool_of(tmp_path, store) as stream:

            def work(part: int) -> None:
                taken.extend(append(stream, range(1000 * part, 1000 * part + 300)))

            threads = [threading.Thread(target=work, args=(part,)) for part in range(4)]
            for thread in threads:
                thread.start()
            while any(thread.is_alive() for thread in threads):
                assert is_exact(stream)
                time.sleep(0.001)
    finally:
        sys.setswitchinterval(interval)
    assert store.numbers() == Counter(taken)
    assert len(taken) == stream.counts.stored == 1200


def test_a_record_larger_than_a_segment_gets_one_of_its_own(tmp_path):
    store = Store()
    with spool_of(tmp_path, store) as stream:
        assert append(stream, [1, 2, 3], 20_000) == [1, 2, 3]
    assert store.numbers() == Counter([1, 2, 3])


def test_a_record_that_no_file_can_hold_is_counted_as_dropped(tmp_path, capsys):
    store = Store()
    with spool_of(tmp_path, store, interval=10) as stream:
        stream.append(0, 1, 0, b"", b"poison")
    assert (stream.counts.dropped, stream.counts.stored) == (1, 0)
    assert "cannot be written into a file" in capsys.readouterr().err


def test_a_spool_that_somebody_removes_loses_what_was_in_it_and_is_made_again(tmp_path, capsys):
    # given things that wait, in several segments
    store, root = Store(), tmp_path / "spool"
    store.away = True
    with spool_of(root, store) as stream:
        append(stream, range(300))
        # when somebody removes the folder, and the store comes back
        shutil.rmtree(root)
        store.away = False
        # then what is lost is counted, and what comes later is stored
        wait_until(lambda: stream.counts.pending == 0)
        time.sleep(0.02)
        taken = append(stream, range(300, 600))
        wait_until(lambda: stream.counts.pending == 0)
        assert is_exact(stream)
        assert stream.counts.dropped > 0
    assert set(range(500, 600)) <= set(taken) & set(store.numbers())
    assert max(store.numbers().values()) == 1
    assert stream.counts.stored == sum(store.numbers().values())
