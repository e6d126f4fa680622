"""The whole story, played once in a namespace of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hack.demo.clients import Clients
from hack.demo.kubectl import Kubectl
from hack.demo.stage import MANIFESTS, Stage
from hack.demo.story import Hand, steps
from hack.demo.watch import Watcher, looking

if TYPE_CHECKING:
    from hack.demo.checks import Seen
    from hack.demo.machine import Prepared
    from hack.demo.narrate import Narrator


class Play:
    """A cluster, a namespace, and what was seen in it."""

    def __init__(self, prepared: Prepared, narrator: Narrator, namespace: str) -> None:
        self.kubectl = Kubectl(prepared.kubectl, namespace)
        self._narrator = narrator
        self._stage = Stage(self.kubectl, prepared.images)
        self._clients = Clients(self.kubectl)
        self._watcher = Watcher(looking(self.kubectl, self._clients), narrator)

    @property
    def seen(self) -> Seen:
        """What was seen so far."""
        return self._watcher.seen

    def set_stage(self) -> None:
        """The namespace with the database and the clients, and nothing of an earlier story.

        Raises:
            KubectlError: the cluster refused something.
        """
        narrator, namespace = self._narrator, self.kubectl.namespace
        narrator.chapter("The clinic")
        narrator.waiting(f"removing what an earlier story left in the namespace {namespace}")
        self._stage.clear()
        rows = self._stage.set_up()
        narrator.say(f"PostgreSQL runs in the namespace {namespace} and holds {rows} patients with their diagnoses")
        self._stage.start_clients()
        self._clients.listen()
        narrator.say("two clients wait for somebody who answers at http://heart")

    def tell(self, patience: float = 1.0) -> None:
        """Apply the three manifests and tell what follows. `patience` multiplies how long each step may take.

        Raises:
            StoryError: a step did not happen.
            KubectlError: the cluster refused something.
        """
        self._narrator.chapter("The loop")
        self.seen.moments["applied"] = self._watcher.now()
        self._stage.apply_manifests()
        self._narrator.say(f"kubectl apply of {', '.join(MANIFESTS)}")
        hand = Hand(self._stage, self._clients, self._narrator)
        self._watcher.watch([replace(step, seconds=step.seconds * patience) for step in steps(hand)])

    def end(self, *, keep_clients: bool = False) -> None:
        """Send the clients home, and look for the last time."""
        if not keep_clients:
            self._clients.end()
        self._watcher.seen.look(self._watcher.look())
