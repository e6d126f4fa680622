"""What is done when the monitor fires."""

from typing import Annotated, Literal

from pydantic import Field

from evermodel_api.base import Duration, PositiveDuration, Reference, Schema
from evermodel_api.monitor.terms import RequestCause


class Budget(Schema):
    """How many retrainings may be asked for."""

    runs: Annotated[int, Field(ge=1, le=100)] = 3
    """This many runs..."""
    per: PositiveDuration = "7d"
    """...in any span of this length."""


class Retrain(Schema):
    """Asking for a new model."""

    training_ref: Reference
    """The ModelTraining that is asked."""
    on: Annotated[list[RequestCause], Field(min_length=1, max_length=3)] = [
        RequestCause.PERFORMANCE,
        RequestCause.CONCEPT,
        RequestCause.DRIFT,
    ]
    """What is reason enough: Performance (measured with labels), Concept (errors became more within
    the window), Drift (of the inputs). Write the name in quotes, "on":
    kubectl reads a bare on as true."""
    cooldown: Duration = "6h"
    """Shortest time from one request to the next. It doubles with each retraining in a row that did not help."""
    budget: Budget = Budget()
    """How many retrainings may be asked for."""
    approval: Literal["Auto", "Manual"] = "Auto"
    """Manual: each retraining is proposed in status.retrain.proposal and asked for when a person says yes."""
    deadline: PositiveDuration = "1d"
    """A request that led to no live version within this time is given up, and counts as one that did not help."""


class Actions(Schema):
    """What is done when the monitor fires. An Event is always written."""

    retrain: Retrain | None = None
    """Ask for a new model."""
