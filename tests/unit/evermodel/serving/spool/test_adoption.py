"""Nothing is lost and nothing is there twice, whatever moment a process dies at."""

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evermodel.serving.spool import drain
from evermodel.serving.spool.adoption import Adoption
from evermodel.serving.spool.drain import EncodeError, drain_batch
from evermodel.serving.spool.folder import DESCRIPTION, Folder, create_segment, create_stream_folder, segment_number
from evermodel.serving.spool.segment import Segment
from evermodel.serving.spool.stream import Stream
from tests.unit.evermodel.serving.spool.conftest import FORMS, DiedError, NumbersForm, Store, payload

SEGMENT = 700


class Life:
    """One process with a spool, without the thread: it does what it is told, and dies."""

    def __init__(self, root, name: str, store: Store) -> None:
        self.root, self.name, self.store = root, name, store
        self.form = NumbersForm()
        self.folder = Folder.create(root, name)
        self.stream = Stream(self.form, self._make, lambda: None, SEGMENT)
        self.adoption = Adoption(root, FORMS, store.write)

    def _make(self, form, number, size):
        folder = create_stream_folder(self.folder.path, "numbers", form.document())
        return create_segment(self.root, folder, number, size, 1 << 20)

    def append(self, number: int, size: int) -> bool:
        return self.stream.append(0, 1, 0, b"", payload(number, size))

    def drain(self) -> None:
        """One batch of the oldest segment that has any left, as the spool's thread would."""
        for waiting in self.stream.waiting():
            segment = waiting if isinstance(waiting, Segment) else Segment.open(waiting)
            number = segment_number(segment.path)
            if drain_batch(segment, segment.committed, self.name, number, self.form, self.store.write):
                return
            if not isinstance(waiting, Segment):
                waiting.unlink()
                self.stream.forget(waiting)

    def adopt(self) -> None:
        self.adoption.look()
        self.adoption.step()

    def live(self, first: int, acts) -> Iterator[int]:
        """Do all of it; the numbers that were taken."""
        for number, (act, size) in enumerate(acts, first):
            with suppress(ConnectionError):
                if act == "append" and self.append(number, size):
                    yield number
                elif act in ("drain", "adopt"):
                    getattr(self, act)()
                elif act in ("away", "back"):
                    self.store.away = act == "away"
                elif act.startswith("die"):
                    self.store.dies = act.split()[1]

    def die(self) -> None:
        """What the kernel does: locks are let go of, files stay."""
        self.folder.release()
        self.adoption.release()


def store_the_rest(root, store: Store) -> Counter:
    adoption = Adoption(root, FORMS, store.write)
    adoption.look()
    while adoption.step():
        pass
    adoption.release()
    return adoption.recovered


ACTS = st.one_of(
    st.tuples(st.just("append"), st.integers(0, 300)),
    st.tuples(st.sampled_from(["drain", "adopt", "away", "back", "die before", "die after"]), st.just(0)),
)


@settings(max_examples=120, deadline=None)
@given(st.lists(st.lists(ACTS, max_size=25), min_size=1, max_size=4))
def test_what_was_taken_is_stored_once_whenever_processes_die(tmp_path_factory, lives):
    # given processes, one after the other, that append, store, fail to store, and die: in between, or beside a writing
    root, store = tmp_path_factory.mktemp("spool"), Store()
    drain_rows, drain.BATCH_ROWS = drain.BATCH_ROWS, 3
    taken: list[int] = []
    try:
        for place, acts in enumerate(lives):
            life = Life(root, f"pod-{place}", store)
            with suppress(DiedError):
                taken.extend(life.live(1000 * place, acts))
            store.dies = ""
            life.die()
        store.away = False
        # when the last one takes over what is left
        store_the_rest(root, store)
    finally:
        drain.BATCH_ROWS = drain_rows
    # then everything that was taken is in the store once, and nothing is left in the spool
    assert store.numbers() == Counter(taken)
    assert [path for path in root.iterdir() if path.is_dir()] == []


def left_behind(root, name="pod-0", numbers=range(5), store=None) -> Life:
    life = Life(root, name, store or Store())
    for number in numbers:
        assert life.append(number, 10)
    life.die()
    return life


def test_who_lives_is_left_alone(tmp_path):
    life, store = Life(tmp_path, "pod-0", Store()), Store()
    life.append(1, 1)
    assert not store_the_rest(tmp_path, store)
    assert store.files == {}
    life.die()
    assert store_the_rest(tmp_path, store)["numbers", "one"] == 1


def test_one_stream_that_cannot_be_read_keeps_no_other_from_the_store(tmp_path, capsys):
    # given a folder with two streams, of which the first has no readable description
    life = left_behind(tmp_path)
    broken = life.folder.path / "a-broken"
    broken.mkdir()
    Segment.create(broken / "00000000.seg", SEGMENT).append(0, 1, 0, b"", payload(99))
    (broken / DESCRIPTION).write_text("{")
    # and a file of another name
    (life.folder.path / "numbers" / "mine.seg").write_bytes(b"what is this")
    # when it is taken over
    store = Store()
    store_the_rest(tmp_path, store)
    # then the other stream is stored, what cannot be read is told and kept
    assert store.numbers() == Counter(range(5))
    err = capsys.readouterr().err
    assert "a-broken/00000000.seg cannot be read" in err
    assert "mine.seg cannot be read" in err
    assert (broken / "00000000.seg").exists()
    # and the next one stores it once it can be read
    (broken / DESCRIPTION).write_text('{"kind": "numbers", "name": "b"}')
    (life.folder.path / "numbers" / "mine.seg").unlink()
    store_the_rest(tmp_path, store)
    assert store.numbers() == Counter([*range(5), 99])
    assert not life.folder.path.exists()


def test_a_damaged_segment_is_told_and_stored_as_far_as_it_is_sound(tmp_path, capsys):
    life = left_behind(tmp_path)
    (path,) = (life.folder.path / "numbers").glob("*.seg")
    data = bytearray(path.read_bytes())
    place = data.index(payload(3, 10))
    data[place] ^= 1
    path.write_bytes(data)
    store = Store()
    store_the_rest(tmp_path, store)
    assert store.numbers() == Counter(range(3))
    assert "was damaged: it is read up to its record 3 of 5" in capsys.readouterr().err


def test_what_no_file_can_hold_is_passed_over_and_told(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(drain, "BATCH_ROWS", 1)
    life = Life(tmp_path, "pod-0", Store())
    life.append(1, 1)
    life.stream.append(0, 1, 0, b"", b"poison")
    life.append(2, 1)
    life.die()
    store = Store()
    store_the_rest(tmp_path, store)
    assert store.numbers() == Counter([1, 2])
    assert "cannot be written into a file and are lost" in capsys.readouterr().err


def test_records_that_cannot_be_encoded_are_counted(tmp_path):
    life = Life(tmp_path, "pod-0", Store())
    life.stream.append(0, 1, 0, b"", b"poison")
    with pytest.raises(EncodeError) as caught:
        life.drain()
    assert (caught.value.records, caught.value.units) == (1, 1)
    life.die()


def test_a_store_that_is_away_is_tried_again_from_the_same_record(tmp_path):
    left_behind(tmp_path)
    store = Store()
    store.away = True
    adoption = Adoption(tmp_path, FORMS, store.write)
    adoption.look()
    for _ in range(3):
        with pytest.raises(ConnectionError):
            adoption.step()
    store.away = False
    while adoption.step():
        pass
    assert store.numbers() == Counter(range(5))
    adoption.release()
