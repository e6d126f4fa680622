"""What a monitor watches, as it is now, and an evaluation of it that has ended."""

from dataclasses import dataclass

from evermodel_api.monitor import Retraining
from evermodel_api.runs import MonitorOutcome


@dataclass(frozen=True)
class Evaluation:
    """An evaluation that has ended."""

    id: str
    version: str
    """The ModelVersion that was looked at."""
    outcome: MonitorOutcome


@dataclass(frozen=True)
class Target:
    """What is watched, as it is now."""

    exists: bool = False
    """Whether the ModelDeployment is there."""
    live: str | None = None
    """The ModelVersion that answers."""
    frozen: str | None = None
    """Why no retraining may be asked for now."""
    retraining: Retraining | None = None
    """The one whose end is not recorded yet."""
