"""The watcher goes through the steps in order, in bounded time."""

import io

import pytest

from hack.demo.kubectl import KubectlError
from hack.demo.narrate import Narrator
from hack.demo.story import Step
from hack.demo.watch import StoryError, Watcher
from hack.demo.world import World


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.time = 100.0

    def now(self):
        return self.time

    def sleep(self, seconds):
        self.time += seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def out():
    return io.StringIO()


@pytest.fixture
def watcher(clock, out):
    return Watcher(World, Narrator(out, clock.now, {}), now=clock.now, sleep=clock.sleep)


def after(clock, moment, sentence):
    """A sight that sees something from a moment on."""
    return lambda _world: sentence if clock.now() >= moment else None


def test_steps_are_told_in_order_with_the_time(watcher, clock, out):
    watcher.watch([Step("a", after(clock, 101, "first")), Step("b", after(clock, 103, "second"))])
    assert out.getvalue().splitlines() == ["    1.0s  first", "    3.0s  second"]


def test_what_happened_between_two_looks_is_told_at_once(watcher, clock, out):
    watcher.watch([Step("a", after(clock, 0, "first")), Step("b", after(clock, 0, "second"))])
    assert clock.now() == 100.0
    assert len(out.getvalue().splitlines()) == 2


def test_a_later_step_waits_for_the_one_before(watcher, clock, out):
    watcher.watch([Step("a", after(clock, 105, "first")), Step("b", after(clock, 0, "second"))])
    assert out.getvalue().splitlines() == ["    5.0s  first", "    5.0s  second"]


def test_an_optional_step_may_be_missed(watcher, clock, out):
    watcher.watch([Step("a", lambda _: None, optional=True), Step("b", after(clock, 102, "second"))])
    assert out.getvalue().splitlines() == ["    2.0s  second"]


def test_an_optional_step_that_is_seen_is_told(watcher, clock, out):
    watcher.watch([Step("a", after(clock, 101, "maybe"), optional=True), Step("b", after(clock, 102, "second"))])
    assert out.getvalue().splitlines() == ["    1.0s  maybe", "    2.0s  second"]


def test_a_step_that_does_not_happen_ends_the_story_with_what_was_waited_for(watcher, clock):
    with pytest.raises(StoryError, match="waited 20 s in vain for the moon"):
        watcher.watch([Step("the moon", lambda _: None, 20)])
    assert 120 < clock.now() < 122


def test_the_time_of_a_step_begins_when_the_one_before_has_happened(watcher, clock):
    watcher.watch([Step("a", after(clock, 118, "first"), 20), Step("b", after(clock, 136, "second"), 20)])
    assert clock.now() == 136


def test_a_look_that_fails_is_repeated_and_starts_no_clock(watcher, clock, thing):
    def look():
        if 101 < clock.now() < 103:
            raise KubectlError("the API server is busy")
        return World([thing("Pod")] if clock.now() >= 103 else [])

    watcher.look = look
    watcher.watch([Step("a", lambda world: "first" if world.objects else None, moment="a", starts_clock=True)])
    assert clock.now() == 103
    assert watcher.seen.moments == {"a": 101.0}


def test_looks_that_fail_for_ever_are_told(watcher):
    def look():
        raise KubectlError("the API server is gone")

    watcher.look = look
    with pytest.raises(StoryError, match="the API server is gone"):
        watcher.watch([Step("a", lambda _: None, 5)])


def test_a_failed_run_ends_the_story_at_once(watcher, clock, thing):
    status = {"runs": [{"id": "1", "outcome": "Failed", "message": "no rows"}]}
    watcher.look = lambda: World([thing("ModelTraining", status=status)])
    with pytest.raises(StoryError, match="no rows"):
        watcher.watch([Step("a", lambda _: None)])
    assert clock.now() == 100.0


def test_a_moment_is_kept_and_a_clock_starts_at_the_look_before(watcher, clock):
    watcher.watch([
        Step("a", after(clock, 105, "verdict"), moment="verdict", starts_clock=True),
        Step("b", after(clock, 110, "answer"), moment="answer"),
    ])  # fmt: skip
    assert watcher.seen.moments == {"verdict": 104.5, "answer": 110.0}


def test_the_narrator_acts_when_its_step_has_happened(watcher, clock):
    acted = []
    watcher.watch([Step("a", after(clock, 104, "first"), then=lambda: acted.append(clock.now()))])
    assert acted == [104.0]
