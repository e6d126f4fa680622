"""The story as data: what is waited for, how long, and what the narrator does when it has happened."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hack.demo import sights

if TYPE_CHECKING:
    from collections.abc import Callable

    from hack.demo.clients import Clients
    from hack.demo.narrate import Narrator
    from hack.demo.stage import Stage
    from hack.demo.world import World

WARD_SHARE = 2 / 3
"""With 600 rows of the ward beside the 303 ordinary ones, the new training data look like the new traffic."""
CALM_RATE = 40.0
FULL_SPEED = 0.0
_ARRIVALS = 6
_SECONDS_AT_FULL_SPEED = 5.0


@dataclass(frozen=True)
class Step:
    """Something that has to happen."""

    waiting_for: str
    look: Callable[[World], str | None]
    """The sentence to tell once it can be seen."""
    seconds: float = 120.0
    """How long it may take after the step before."""
    moment: str = ""
    """Name under which the time is kept for the checks."""
    starts_clock: bool = False
    """Whether a time budget begins here: then the look before counts, in which it could not be seen yet."""
    optional: bool = False
    """Passes so quickly that it may be missed between two looks."""
    then: Callable[[], None] | None = None
    """What the narrator does next."""


class Hand:
    """What the narrator does in the story."""

    def __init__(self, stage: Stage, clients: Clients, narrator: Narrator) -> None:
        self._stage = stage
        self._clients = clients
        self._narrator = narrator

    def open_ward(self) -> None:
        """The clients' patients change, and the ward's records reach the database with their diagnoses."""
        self._clients.behave(ward_share=WARD_SHARE, rate=CALM_RATE)
        self._narrator.say("a ward with older patients opens: two of three requests are about them from now on")
        rows = self._stage.ward_patients()
        size = -(-len(rows) // _ARRIVALS)
        for start in range(0, len(rows), size):
            known = self._stage.add_patients(rows[start : start + size])
            time.sleep(1.0)
        self._narrator.say(f"{len(rows)} of its patients have their diagnosis: PostgreSQL holds {known} rows now")

    def hurry(self) -> None:
        """Both clients ask as fast as they can while the version is swapped."""
        self._clients.behave(ward_share=WARD_SHARE, rate=FULL_SPEED)
        self._narrator.say("both clients ask as fast as they can from now on")

    def calm_down(self) -> None:
        """A while later the clients ask at their usual pace again."""
        time.sleep(_SECONDS_AT_FULL_SPEED)
        lately = self._clients.latest
        self._narrator.say(
            f"{lately['lately']} requests in the last second, p50 {lately['p50']} ms, p99 {lately['p99']} ms, "
            f"{lately['failed']} failed since the beginning; back to {CALM_RATE:.0f} a second"
        )
        self._clients.behave(ward_share=WARD_SHARE, rate=CALM_RATE)


def steps(hand: Hand) -> list[Step]:
    """From the three files that were applied to the retirement of the first version."""

    def of(sight: Callable[[World, int], str | None], number: int) -> Callable[[World], str | None]:
        return lambda world: sight(world, number)

    return [
        Step("the first run", of(sights.run_began, 1), 30),
        Step("heart-1 to be trained", of(sights.trained, 1)),
        Step("heart-1 to be served", of(sights.live, 1)),
        Step("the first prediction", of(sights.answered, 1), 30, moment="first prediction"),
        Step("the monitor to be content", of(sights.healthy, 1), then=hand.open_ward),
        Step("the monitor to suspect something", of(sights.suspect, 1), optional=True),
        Step("the monitor to fire", of(sights.fired, 1), 180, moment="verdict", starts_clock=True),
        Step("the retraining", of(sights.run_began, 2), 30),
        Step("heart-2 to be trained", of(sights.trained, 2), then=hand.hurry),
        Step("heart-2 to be rolled out", of(sights.rolling_out, 2), optional=True),
        Step("heart-2 to be served", of(sights.live, 2)),
        Step("an answer of heart-2", of(sights.answered, 2), 30, moment="new version", then=hand.calm_down),
        Step("heart-1 to be retired", of(sights.retired, 1), 180),
        Step("the monitor to be content with heart-2", of(sights.healthy, 2), 180),
    ]
