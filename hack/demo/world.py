"""What can be seen at one moment: the objects of the namespace and what the clients count. Pure reading."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hack.demo.kubectl import Object

KINDS = (
    "modeltrainings.evermodel.dev",
    "modelversions.evermodel.dev",
    "modeldeployments.evermodel.dev",
    "driftmonitors.evermodel.dev",
    "jobs.batch",
    "pods",
)
"""What is looked at."""
NAME = "heart"
"""Name of the training, the deployment and the monitor."""


@dataclass(frozen=True)
class World:
    """One look."""

    objects: list[Object] = field(default_factory=list)
    clients: dict[str, Any] = field(default_factory=dict)
    """The last line of the clients (`clinic.tally`), empty before the first one."""

    def find(self, kind: str, name: str = NAME) -> Object | None:
        """One object."""
        return next((thing for thing in self.all(kind) if thing["metadata"]["name"] == name), None)

    def all(self, kind: str, **labels: str) -> list[Object]:
        """All objects of a kind that carry these labels of evermodel.dev."""
        return [
            thing
            for thing in self.objects
            if thing["kind"] == kind
            and all(thing["metadata"].get("labels", {}).get(f"evermodel.dev/{key}") == labels[key] for key in labels)
        ]

    def status(self, kind: str, name: str = NAME) -> dict[str, Any]:
        """The status of one object; empty when there is none."""
        return dict((self.find(kind, name) or {}).get("status") or {})

    def run(self, number: int) -> dict[str, Any] | None:
        """What the training reports of a run, under way or over."""
        status = self.status("ModelTraining")
        reported = [status.get("run"), *status.get("runs", [])]
        return next((run for run in reported if run and run["id"] == str(number)), None)
