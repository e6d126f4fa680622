"""What is demanded of a server: requirements, each with one check, in chapters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.conformance.subject import Subject

Check = Callable[["Subject"], None]


class Level(StrEnum):
    """How much a requirement binds: the score counts musts."""

    MUST = "must"
    MAY = "may"


class State(StrEnum):
    """What became of a check."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_OFFERED = "not offered"


class ViolationError(Exception):
    """The server does not do what is required; the message says what it did."""


class NotOfferedError(Exception):
    """The server does not have what the requirement speaks of, and says so; the message says where."""


@dataclass(frozen=True)
class Requirement:
    """One sentence that a server has to hold, and the check of it."""

    name: str
    """Unique, as `chapter.check`."""
    level: Level
    source: str
    """Where the protocol, or what it builds on, says so."""
    sentence: str
    """What it says, in our words."""
    check: Check

    @property
    def chapter(self) -> str:
        """What it is about."""
        return self.name.partition(".")[0]


REQUIREMENTS: dict[str, Requirement] = {}
"""All of them, in the order of their chapters."""


def register(name: str, level: Level, source: str, sentence: str, check: Check) -> None:
    """Add a requirement."""
    if name in REQUIREMENTS:
        raise ValueError(f"{name} is there twice")
    REQUIREMENTS[name] = Requirement(name, level, source, sentence, check)


def must(name: str, source: str, sentence: str) -> Callable[[Check], Check]:
    """Register the decorated check of something that the protocol demands."""
    return _registering(name, Level.MUST, source, sentence)


def may(name: str, source: str, sentence: str) -> Callable[[Check], Check]:
    """Register the decorated check of something that is left to the server, and that clients are glad of."""
    return _registering(name, Level.MAY, source, sentence)


def _registering(name: str, level: Level, source: str, sentence: str) -> Callable[[Check], Check]:
    def decorate(check: Check) -> Check:
        register(name, level, source, sentence, check)
        return check

    return decorate


def demand(condition: object, finding: str) -> None:
    """Go on only where the condition holds.

    Raises:
        ViolationError: with the finding.
    """
    if not condition:
        raise ViolationError(finding)
