"""DriftMonitor: what a served model must live up to, and what is done when it does not."""

from evermodel_api.monitor.actions import Actions, Budget, Retrain
from evermodel_api.monitor.decide import Decide, Fire
from evermodel_api.monitor.drift import (
    CategoryDrift,
    ColumnRule,
    DatasetDrift,
    Drift,
    DriftColumns,
    MultivariateDrift,
    NumericDrift,
    PredictionDrift,
)
from evermodel_api.monitor.performance import Concept, Labels, Performance, PerformanceEstimate, PerformanceLimit
from evermodel_api.monitor.quality import MissingLimit, Quality, ShareLimit
from evermodel_api.monitor.spec import MonitorSpec
from evermodel_api.monitor.status import (
    BlockedRetraining,
    Finding,
    Memory,
    MonitorStatus,
    PastRetraining,
    ReferenceStatus,
    Retraining,
    RetrainRequest,
    RetrainStatus,
    Situation,
    Verdict,
    WindowStatus,
)
from evermodel_api.monitor.terms import Found, RequestCause, RetrainResult, State
from evermodel_api.monitor.window import Schedule, Window

__all__ = [
    "Actions",
    "BlockedRetraining",
    "Budget",
    "CategoryDrift",
    "ColumnRule",
    "Concept",
    "DatasetDrift",
    "Decide",
    "Drift",
    "DriftColumns",
    "Finding",
    "Fire",
    "Found",
    "Labels",
    "Memory",
    "MissingLimit",
    "MonitorSpec",
    "MonitorStatus",
    "MultivariateDrift",
    "NumericDrift",
    "PastRetraining",
    "Performance",
    "PerformanceEstimate",
    "PerformanceLimit",
    "PredictionDrift",
    "Quality",
    "ReferenceStatus",
    "RequestCause",
    "Retrain",
    "RetrainRequest",
    "RetrainResult",
    "RetrainStatus",
    "Retraining",
    "Schedule",
    "ShareLimit",
    "Situation",
    "State",
    "Verdict",
    "Window",
    "WindowStatus",
]
