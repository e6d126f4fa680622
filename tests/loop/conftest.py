"""What the tests of the whole loop need: a cluster with the operator in it, and a place of their own."""

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


@pytest.fixture(scope="session")
def prepared() -> machine.Prepared:
    """Cluster, images and operator: what is missing is made, as the demo makes it."""
    return machine.prepare(Narrator(sys.stdout))


@pytest.fixture
def play(prepared: machine.Prepared, request: pytest.FixtureRequest) -> Iterator[Callable[[str], Play]]:
    """Sets the stage in a namespace; after a failure the objects say what they know, and the namespace goes."""
    plays: list[Play] = []

    def make(namespace: str) -> Play:
        plays.append(Play(prepared, Narrator(sys.stdout), namespace))
        plays[-1].set_stage()
        return plays[-1]

    failures = request.session.testsfailed
    yield make
    for made in plays:
        if request.session.testsfailed > failures:
            Narrator(sys.stdout).plain(report(made.kubectl))
        made.kubectl("delete", "namespace", made.kubectl.namespace, "--wait=false")
