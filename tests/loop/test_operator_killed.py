"""The operator is killed at ten random moments of the story, and the story ends the same."""

from __future__ import annotations

import random
import sys
import threading
import time
from typing import TYPE_CHECKING, TextIO

import pytest

from hack.demo.checks import outcome_checks
from hack.demo.kubectl import Kubectl
from hack.demo.narrate import Narrator
from tests.loop.operator_process import NAMESPACE, kill_operator

if TYPE_CHECKING:
    from hack.demo.world import World

pytestmark = [pytest.mark.loop, pytest.mark.timeout(2400)]

SEED = 20261124
KILLS = 10
LINES = 15
"""So many lines has the story at least, from the first sentence to the swap."""
LONGEST_WAIT = 6.0
"""Seconds from the line to the kill, at most: into the step that follows, and sometimes over it."""
PATIENCE = 6.0
"""A successor waits for the lease of the one that was killed, each time."""
SECONDS_TO_REST = 25.0
"""The last successor has the lease (15 s) and has looked at everything once."""


class CountingNarrator(Narrator):
    """Lets others wait for a line of the story."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._told = 0
        self._line = threading.Condition()

    def say(self, sentence: str) -> None:
        super().say(sentence)
        with self._line:
            self._told += 1
            self._line.notify_all()

    def wait_for_line(self, number: int, seconds: float) -> bool:
        """Wait until so many lines were told."""
        with self._line:
            return self._line.wait_for(lambda: self._told >= number, seconds)


class Killer(threading.Thread):
    """Kills the operator after ten of the lines; the seed decides after which and how long after."""

    def __init__(self, kubectl: Kubectl, narrator: CountingNarrator) -> None:
        super().__init__(daemon=True)
        self._kubectl = kubectl
        self._narrator = narrator
        self.killed = 0
        self.failure: Exception | None = None

    def run(self) -> None:
        """Kill ten times."""
        chance = random.Random(SEED)
        moments = [
            (line, chance.uniform(0, LONGEST_WAIT)) for line in sorted(chance.sample(range(1, LINES + 1), KILLS))
        ]
        try:
            for line, wait in moments:
                if not self._narrator.wait_for_line(line, 900):
                    return
                time.sleep(wait)
                done = kill_operator(self._kubectl)
                self.killed += 1
                self._narrator.plain(f"          kill {self.killed}, {wait:.1f} s after line {line}: {done}")
        except Exception as error:  # noqa: BLE001  the test tells it
            self.failure = error


def made(world: World) -> dict[str, tuple[str, str, str]]:
    """What was made of which data by whom, for each version."""
    return {
        version["metadata"]["name"]: (
            version["spec"]["artifact"]["digest"],
            version["spec"]["training"]["dataDigest"],
            version["spec"]["training"]["cause"]["reason"],
        )
        for version in world.all("ModelVersion")
    }


def test_ten_kills_change_nothing(prepared, tell, undisturbed):
    # given somebody who kills the operator while the story is told
    narrator = CountingNarrator(sys.stdout)
    operator = Kubectl(prepared.kubectl, NAMESPACE)
    killer = Killer(operator, narrator)
    killer.start()

    # when it has been told, and the last successor has had its turn
    story = tell("loop-killed", narrator, PATIENCE)
    killer.join(60)
    assert killer.failure is None
    assert killer.killed == KILLS
    operator("rollout", "status", "deployment/evermodel", "--timeout=90s", timeout=100)
    time.sleep(SECONDS_TO_REST)
    story.end()

    # then it ends the same: nothing was started twice, nothing was forgotten, and no client noticed
    assert [f"{check.name}: {check.detail}" for check in outcome_checks(story.seen) if not check.passed] == []
    assert made(story.seen.world) == made(undisturbed.world)
    story.kubectl("delete", "namespace", story.kubectl.namespace, "--wait=false")
