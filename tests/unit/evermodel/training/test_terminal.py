"""The bar of `evermodel train`, on a real pseudo-terminal; sentences elsewhere."""

import doctest
import fcntl
import io
import os
import pty
import re
import struct
import termios
import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evermodel.training import progress as words
from evermodel.training.progress import Follower, Pace, Silent, Standing, trial_words
from evermodel.training.terminal import Plain, Terminal, bar_line, open_progress


class Clock:
    """Time that goes on when it is told to."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


class Screen:
    """A pseudo-terminal, 60 wide, and what stands on it."""

    def __init__(self, columns=60):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.file = os.fdopen(slave, "w", encoding="utf-8")
        os.set_blocking(self.master, False)
        self.written = ""

    def lines(self):
        """The lines that a person sees: what was taken away is gone."""
        self.file.flush()
        for _ in range(200):
            try:
                self.written += os.read(self.master, 65536).decode()
            except BlockingIOError:
                break
        kept = [line.rsplit("\r\x1b[2K", 1)[-1].rstrip("\r") for line in self.written.split("\n")]
        assert not any("\x1b" in line for line in kept)
        return kept

    def close(self):
        self.file.close()
        os.close(self.master)


@pytest.fixture
def screen():
    screen = Screen()
    yield screen
    screen.close()


def test_the_bar_stays_below_the_sentences_and_is_gone_at_the_end(screen):
    # given a terminal that takes sentences and the bar
    with Terminal(screen.file, screen.file) as progress:
        progress.phase("Searching")
        progress.trials(3, 6, "f1 0.9", None)
        progress.say("300 rows read")
        assert screen.lines() == ["300 rows read", "Searching ██████████░░░░░░░░░░ trial 3 of 6, best f1 0.9"]
    # then nothing of the bar is left
    assert screen.lines() == ["300 rows read", ""]


def test_a_narrow_terminal_gets_the_words_without_the_bar(screen):
    with Terminal(io.StringIO(), screen.file) as progress:
        progress.phase("Searching")
        progress.trials(3, 6, "roc_auc 0.9", 5.0)
        assert screen.lines() == ["trial 3 of 6, best roc_auc 0.9, 5 s left"]


def test_the_bar_is_gone_when_the_run_fails(screen):
    def fail(progress):
        with progress:
            progress.phase("Collecting")
            raise ValueError("no rows")

    with pytest.raises(ValueError, match="no rows"):
        fail(Terminal(io.StringIO(), screen.file))
    assert screen.lines() == [""]


def test_time_goes_on_while_nothing_is_told(screen):
    with Terminal(io.StringIO(), screen.file) as progress:
        progress.phase("Collecting")
        deadline = time.monotonic() + 10
        while screen.lines() != ["Collecting, 1 s"] and time.monotonic() < deadline:
            time.sleep(0.05)
    assert time.monotonic() < deadline


def test_a_terminal_has_a_bar_and_a_file_has_sentences(screen, tmp_path, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    assert isinstance(open_progress(quiet=False, out=screen.file, err=screen.file), Terminal)
    monkeypatch.setenv("TERM", "dumb")
    with open_progress(quiet=False, out=screen.file, err=screen.file) as progress:
        assert isinstance(progress, Plain)
    with open_progress(quiet=True, out=screen.file, err=screen.file) as progress:
        assert isinstance(progress, Silent)
        progress.say("nobody hears")
        progress.trials(1, 2, None, None)
    assert screen.lines() == [""]


def test_a_file_gets_sentences_and_the_search_at_times():
    # given a clock that goes on 4 seconds with each trial
    out, clock = io.StringIO(), Clock()
    progress = Plain(out, clock)
    progress.phase("Searching")
    for ended in range(1, 7):
        clock.now += 4
        progress.trials(ended, 6, "f1 0.5", 4.0 * (6 - ended))
    progress.say("done")
    # then every third speaks, and the last
    assert out.getvalue() == "trial 3 of 6, best f1 0.5, 12 s left\ntrial 6 of 6, best f1 0.5\ndone\n"


def test_time_left_runs_down_between_trials():
    clock = Clock()
    kept = Follower(clock)
    kept.phase("Searching")
    kept.trials(1, 4, None, 90.0)
    clock.now += 30
    assert "1 min left" in bar_line(kept.standing, clock.now, 100)
    clock.now += 300
    assert "0 s left" in bar_line(kept.standing, clock.now, 100)


@given(
    columns=st.integers(1, 200),
    total=st.integers(0, 500),
    ended=st.integers(0, 600),
    best=st.none() | st.text(max_size=80),
    left=st.none() | st.floats(0, 1e7),
)
def test_the_bar_never_fills_the_line(columns, total, ended, best, left):
    for phase in ("Searching", "Collecting"):
        standing = Standing(began=0.0, phase=phase, ended=ended, total=total, best=best, done_at=left)
        assert len(bar_line(standing, 1.0, columns)) < columns


def test_phases_add_up_when_they_come_again():
    clock = Clock()
    kept = Follower(clock)
    for name, seconds in (("Collecting", 2), ("Fitting", 3), ("Collecting", 5)):
        kept.phase(name)
        clock.now += seconds
    assert kept.standing.phase_seconds(clock.now) == {"Collecting": 7.0, "Fitting": 3.0}


def test_pace_lets_the_last_one_through():
    clock = Clock()
    pace = Pace(10, clock)
    assert [pace.is_due(last=False), pace.is_due(last=True)] == [False, True]
    clock.now += 10
    assert pace.is_due(last=False)


def test_a_search_that_ended_has_no_time_left():
    assert trial_words(6, 6, None, 0.0) == "trial 6 of 6"


def test_a_bar_without_blocks_is_plain_ascii():
    standing = replace(Standing(began=0.0), phase="Searching", ended=1, total=2)
    line = bar_line(standing, 0.0, 100, solid=False)
    assert re.fullmatch(r"Searching #{10}-{10} trial 1 of 2", line)


def test_the_examples_in_the_words_hold():
    assert doctest.testmod(words).failed == 0
