"""The four reconcilers: each observes from the cache and plans; nothing here does I/O."""

from collections.abc import Callable
from typing import Any

from evermodel_operator.kinds import deployment, monitor, training, version
from evermodel_operator.plan import Plan

KINDS: dict[str, tuple[Callable[..., Any], Callable[..., Plan]]] = {
    "ModelTraining": (training.observe, training.plan),
    "ModelVersion": (version.observe, version.plan),
    "ModelDeployment": (deployment.observe, deployment.plan),
    "DriftMonitor": (monitor.observe, monitor.plan),
}
"""Kind -> (observe, plan)."""
