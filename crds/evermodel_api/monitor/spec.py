"""What a user writes: a DriftMonitor's spec."""

from typing import ClassVar

from evermodel_api.base import Reference, Rule, Schema
from evermodel_api.monitor.actions import Actions
from evermodel_api.monitor.decide import Decide
from evermodel_api.monitor.drift import Drift
from evermodel_api.monitor.performance import Performance
from evermodel_api.monitor.quality import Quality
from evermodel_api.monitor.window import Schedule, Window


class MonitorSpec(Schema):
    """What a served model must live up to."""

    deployment_ref: Reference
    """The ModelDeployment that is watched. Evidence is kept per model version, never mixed."""
    schedule: Schedule = Schedule()
    """How often the model is looked at."""
    window: Window = Window()
    """Which requests are looked at."""
    drift: Drift | None = None
    """Comparison of the inputs with the training data."""
    performance: Performance | None = None
    """Comparison of the answers with the truth."""
    quality: Quality | None = None
    """Checks of the data itself."""
    decide: Decide = Decide()
    """When the monitor fires and when it calms down."""
    actions: Actions = Actions()
    """What is done when it fires."""
    suspend: bool = False
    """Start no evaluation."""
    cel: ClassVar = (
        Rule(
            "has(self.drift) || has(self.performance) || has(self.quality)",
            "a monitor needs something to watch: give drift, performance or quality (drift: {} takes all defaults)",
        ),
    )
