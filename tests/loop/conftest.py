"""What the tests of the whole loop need: a cluster with the operator in it, and stories told in it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from hack.demo import machine
from hack.demo.diagnosis import report
from hack.demo.narrate import Narrator
from hack.demo.play import Play

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hack.demo.checks import Seen


@pytest.fixture(scope="session")
def prepared() -> machine.Prepared:
    """Cluster, images and operator: what is missing is made, as the demo makes it."""
    return machine.prepare(Narrator(sys.stdout))


@pytest.fixture(scope="session")
def tell(prepared: machine.Prepared) -> Callable[[str, Narrator, float], Play]:
    """Tells the story in a namespace of its own, as the demo does; the objects say what they know if it fails."""

    def told(namespace: str, narrator: Narrator, patience: float) -> Play:
        story = Play(prepared, narrator, namespace)
        try:
            story.set_stage()
            story.tell(patience)
        except Exception:
            narrator.plain(report(story.kubectl))
            raise
        return story

    return told


@pytest.fixture(scope="session")
def undisturbed(tell: Callable[[str, Narrator, float], Play]) -> Iterator[Seen]:
    """What is seen of a story in which nothing was broken on purpose."""
    story = tell("loop-demo", Narrator(sys.stdout), 1.0)
    story.end()
    yield story.seen
    story.kubectl("delete", "namespace", story.kubectl.namespace, "--wait=false")
