"""The operator is killed at ten random moments of the story, and the story ends the same."""

from __future__ import annotations

import random
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest
from hack.demo.checks import outcome_checks
from hack.demo.kubectl import Kubectl
from hack.demo.narrate import Narrator
from tests.loop.operator_process import NAMESPACE, kill_operator

if TYPE_CHECKING:
    from hack.demo.machine import Prepared

pytestmark = [pytest.mark.loop, pytest.mark.timeout(2400)]

KILLS = 10
SEED = 20261124
SECONDS_BETWEEN = (3.0, 40.0)
"""From before the successor has the lease to well after it has begun to work."""
PATIENCE = 6.0
"""A successor waits for the lease of the one that was killed, each time."""
SECONDS_TO_REST = 25.0
"""The last successor has the lease (15 s) and has looked at everything once."""


class Killer(threading.Thread):
    """Kills the operator again and again, at moments that the seed decides."""

    def __init__(self, kubectl: Kubectl, narrator: Narrator) -> None:
        super().__init__(daemon=True)
        self._narrator = narrator
        self._kubectl = kubectl
        self._random = random.Random(SEED)
        self.killed: list[str] = []
        self.failure: Exception | None = None

    def run(self) -> None:
        """Kill ten times."""
        try:
            while len(self.killed) < KILLS:
                time.sleep(self._random.uniform(*SECONDS_BETWEEN))
                self.killed.append(kill_operator(self._kubectl))
                self._narrator.say(f"kill {len(self.killed)} of {KILLS}: {self.killed[-1]}")
        except Exception as error:  # noqa: BLE001  the test tells it
            self.failure = error


def test_ten_kills_change_nothing(play, prepared: Prepared):
    # given a story that has begun, and somebody who kills the operator
    story = play("loop-killed")
    operator = Kubectl(prepared.kubectl, NAMESPACE)
    killer = Killer(operator, Narrator(sys.stdout))

    # when it is told while the operator is killed ten times
    killer.start()
    story.tell(patience=PATIENCE)
    killer.join()
    assert killer.failure is None
    assert len(killer.killed) == KILLS
    operator("rollout", "status", "deployment/evermodel", "--timeout=90s", timeout=100)
    time.sleep(SECONDS_TO_REST)
    story.end()

    # then it ends the same: nothing was started twice, nothing was forgotten, and no client noticed
    assert [f"{check.name}: {check.detail}" for check in outcome_checks(story.seen) if not check.passed] == []
