"""Words of a monitor that more than one part of it uses."""

from enum import StrEnum


class RequestCause(StrEnum):
    """What a monitor may ask a retraining for."""

    PERFORMANCE = "Performance"
    CONCEPT = "Concept"
    DRIFT = "Drift"


class State(StrEnum):
    """What the monitor thinks of the live version."""

    UNKNOWN = "Unknown"
    HEALTHY = "Healthy"
    SUSPECT = "Suspect"
    FIRING = "Firing"
