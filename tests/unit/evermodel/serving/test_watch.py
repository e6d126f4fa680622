"""Files that change while a server runs."""

import shutil
import time

from evermodel.serving.watch import Watch, Watched, fingerprint, look_at


class Noted(Watched):
    """Counts how often it is read again; fails when it is told to."""

    def __init__(self, directory) -> None:
        super().__init__(directory)
        self.times, self.fails = 0, False

    def reload(self) -> None:
        self.times += 1
        if self.fails:
            raise RuntimeError("it cannot be read")


def test_what_changes_is_read_once_and_what_does_not_is_not(tmp_path):
    (tmp_path / "a").write_text("1")
    watched = Noted(tmp_path)
    assert not watched.look()
    for change in (
        lambda: (tmp_path / "a").write_text("22"),
        lambda: (tmp_path / "b").write_text("1"),
        (tmp_path / "b").unlink,
        lambda: shutil.rmtree(tmp_path),
    ):
        change()
        assert watched.look()
        assert not watched.look()
    assert watched.times == 4
    assert fingerprint(tmp_path) == ()


def test_one_that_fails_keeps_no_other_from_being_read(tmp_path, capfd):
    one, other = tmp_path / "one", tmp_path / "other"
    for directory in (one, other):
        directory.mkdir()
    failing, good = Noted(one), Noted(other)
    failing.fails = True
    for directory in (one, other):
        (directory / "a").write_text("1")
    look_at([failing, good])
    assert good.times == 1
    assert "cannot be read again: it cannot be read" in capfd.readouterr().err


def test_a_thread_looks_until_it_is_closed(tmp_path):
    watched = Noted(tmp_path)
    watch = Watch([watched], 0.01)
    (tmp_path / "a").write_text("1")
    end = time.monotonic() + 5
    while not watched.times and time.monotonic() < end:
        time.sleep(0.01)
    watch.close()
    assert watched.times == 1
    (tmp_path / "b").write_text("1")
    time.sleep(0.05)
    assert watched.times == 1
