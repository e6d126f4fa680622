"""Looks at the cluster again and again until each step of the story has happened, or its time is over."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hack.demo import sights
from hack.demo.checks import Seen
from hack.demo.kubectl import KubectlError
from hack.demo.world import KINDS, World

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hack.demo.clients import Clients
    from hack.demo.kubectl import Kubectl
    from hack.demo.narrate import Narrator
    from hack.demo.story import Step

SECONDS_BETWEEN_LOOKS = 0.5


class StoryError(Exception):
    """Something did not happen."""


@dataclass
class Watcher:
    """Goes through the steps."""

    look: Callable[[], World]
    """Raises KubectlError when nothing can be seen now."""
    narrator: Narrator
    seen: Seen = field(default_factory=Seen)
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _looked: float = 0.0
    _looked_before: float = 0.0

    def watch(self, steps: Sequence[Step]) -> None:
        """Wait for each step in turn and tell it.

        Raises:
            StoryError: a step took too long, or a run failed.
        """
        remaining, since = list(steps), self.now()
        while remaining:
            trouble = self._look_again()
            while remaining and (step := self._first_seen(remaining)) is not None:
                remaining = remaining[remaining.index(step) + 1 :]
                since = self.now()
            if remaining:
                self._check_time(remaining, since, trouble)
                self.sleep(SECONDS_BETWEEN_LOOKS)

    def _look_again(self) -> str:
        """Look; what went wrong, if it did. An API server that is busy for a moment is no reason to give up."""
        began = self.now()
        try:
            self.seen.look(self.look())
        except KubectlError as error:
            return f" ({error})"
        self._looked_before, self._looked = self._looked, began
        failure = sights.failed_run(self.seen.world)
        if failure:
            raise StoryError(failure)
        return ""

    def _first_seen(self, remaining: Sequence[Step]) -> Step | None:
        """The first step that has happened, told; steps behind one that must happen first are not looked at."""
        for step in remaining:
            sentence = step.look(self.seen.world)
            if sentence is not None:
                self._tell(step, sentence)
                return step
            if not step.optional:
                return None
        return None

    def _tell(self, step: Step, sentence: str) -> None:
        self.narrator.say(sentence)
        if step.moment:
            self.seen.moments[step.moment] = self._looked_before if step.starts_clock else self.now()
        if step.then:
            step.then()

    def _check_time(self, remaining: Sequence[Step], since: float, trouble: str) -> None:
        step = next(step for step in remaining if not step.optional)
        waited = self.now() - since
        if waited > step.seconds:
            raise StoryError(f"waited {step.seconds:.0f} s in vain for {step.waiting_for}{trouble}")
        self.narrator.waiting(f"waiting for {step.waiting_for}, {waited:.0f} of at most {step.seconds:.0f} s{trouble}")


def looking(kubectl: Kubectl, clients: Clients) -> Callable[[], World]:
    """A look at the cluster and at what the clients count."""
    return lambda: World(kubectl.get(KINDS), clients.latest)
