"""What is put is stored once or counted as dropped, whatever the store does, and putting never waits."""

import threading
import time
from dataclasses import dataclass

from evermodel.serving.batch_writer import BatchWriter, File, Limits

QUICK = Limits(interval=0.02, first_retry=0.01, last_retry=0.02)


@dataclass(frozen=True)
class Item:
    number: int
    rows: int = 1


class Store:
    """A store in memory that can be made to fail or to hang."""

    def __init__(self):
        self.files: dict[str, bytes] = {}
        self.failures_left = 0
        self.blocked = threading.Event()
        self.blocked.set()

    def write(self, uri, content):
        self.blocked.wait(10)
        if self.failures_left > 0:
            self.failures_left -= 1
            raise OSError("the disk is full")
        self.files[uri] = content

    def numbers(self):
        return sorted(int(n) for content in self.files.values() for n in content.split())


def make_writer(store, limits=QUICK):
    sequence = iter(range(10**9))

    def encode(items):
        content = b" ".join(str(item.number).encode() for item in items)
        return [File(str(next(sequence)), content, len(items))]

    return BatchWriter("log of a test", encode, store.write, limits)


def wait_until(condition, seconds=5.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come true in time"
        time.sleep(0.005)


def test_items_are_written_in_batches_within_the_interval():
    # given a writer, when items are put
    store = Store()
    writer = make_writer(store)
    for number in range(100):
        assert writer.put(Item(number))
    # then they are stored soon, in fewer files than items, without the writer being closed
    wait_until(lambda: writer.counts.stored == 100)
    assert store.numbers() == list(range(100))
    assert len(store.files) < 50
    writer.close()


def test_a_store_that_fails_for_a_while_loses_and_doubles_nothing():
    # given a store whose next writings fail
    store = Store()
    store.failures_left = 4
    writer = make_writer(store)
    # when items are put meanwhile
    for number in range(50):
        writer.put(Item(number))
        time.sleep(0.001)
    writer.close()
    # then each is stored once, and the failures are counted
    assert store.numbers() == list(range(50))
    counts = writer.counts
    assert (counts.received, counts.stored, counts.dropped, counts.pending) == (50, 50, 0, 0)
    assert counts.write_failures == 4


def test_a_store_that_hangs_costs_memory_only_up_to_the_capacity():
    # given a store that hangs, and room for 10 rows
    store = Store()
    store.blocked.clear()
    writer = make_writer(store, Limits(capacity=10, interval=0.01, first_retry=0.01))
    # when 15 items are put
    started = time.monotonic()
    taken = [writer.put(Item(number)) for number in range(15)]
    # then putting did not wait, 10 were taken and 5 counted as dropped
    assert time.monotonic() - started < 1.0
    assert taken == [True] * 10 + [False] * 5
    assert (writer.counts.received, writer.counts.dropped, writer.counts.pending) == (15, 5, 10)
    # and when the store is back, the 10 are there
    store.blocked.set()
    writer.close()
    assert store.numbers() == list(range(10))


def test_closing_gives_up_in_time_and_says_so(capsys):
    # given a store that fails for ever
    store = Store()
    store.failures_left = 10**9
    writer = make_writer(store)
    writer.put(Item(1))
    # when the writer is closed with little time
    started = time.monotonic()
    writer.close(timeout=0.2)
    # then it ends in time, and what is lost is counted and told
    assert time.monotonic() - started < 2.0
    assert (writer.counts.stored, writer.counts.dropped) == (0, 1)
    assert "log of a test: the store could not be written before the end" in capsys.readouterr().err


def test_closing_writes_what_waits_and_takes_no_more():
    store = Store()
    writer = make_writer(store, Limits(interval=60))
    writer.put(Item(7))
    writer.close()
    assert store.numbers() == [7]
    assert not writer.put(Item(8))
    assert writer.counts.dropped == 1


def test_a_batch_that_cannot_be_encoded_costs_only_itself(capsys):
    # given an encoder that stumbles over one item
    store = Store()

    def encode(items):
        if any(item.number == 0 for item in items):
            raise ValueError("zero")
        return [File(str(items[0].number), str(items[0].number).encode(), len(items))]

    writer = BatchWriter("log of a test", encode, store.write, QUICK)
    # when that item comes and then another
    writer.put(Item(0))
    wait_until(lambda: writer.counts.dropped == 1)
    writer.put(Item(5))
    writer.close()
    # then only the first is lost
    assert store.numbers() == [5]
    assert "could not be encoded" in capsys.readouterr().err


def test_many_threads_may_put_at_once():
    store = Store()
    writer = make_writer(store)

    def put(start):
        for number in range(start, start + 500):
            writer.put(Item(number))

    threads = [threading.Thread(target=put, args=(500 * n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    writer.close()
    assert store.numbers() == list(range(4000))
    assert writer.counts.received == writer.counts.stored == 4000
