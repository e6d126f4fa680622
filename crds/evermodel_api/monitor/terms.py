"""Words of a monitor that more than one part of it uses."""

from enum import StrEnum


class RequestCause(StrEnum):
    """What a monitor may ask a retraining for."""

    PERFORMANCE = "Performance"
    CONCEPT = "Concept"
    DRIFT = "Drift"


class Found(StrEnum):
    """What one evaluation may find wrong, what explains the rest first.

    Broken data and a sick system are no fault of the model: they alert, and no retraining is asked for because of them.
    """

    DATA = "Data"
    PERFORMANCE = "Performance"
    CONCEPT = "Concept"
    DRIFT = "Drift"
    ESTIMATE = "Estimate"
    """Performance without labels, where a retraining may not be asked for because of it."""


class State(StrEnum):
    """What the monitor thinks of the live version. `docs/monitoring.md` has the table of all transitions."""

    UNKNOWN = "Unknown"
    """Nothing could be judged yet, or not for so long that it counts no more."""
    HEALTHY = "Healthy"
    """None of the evaluations that count found anything."""
    SUSPECT = "Suspect"
    """Some did, and too few to fire."""
    FIRING = "Firing"
    """Enough did."""
    RETRAINING = "Retraining"
    """A new model was asked for, and it is not live yet."""
    SETTLING = "Settling"
    """The new model is live, and whether it helped is not known yet."""


class RetrainResult(StrEnum):
    """What a retraining came to."""

    HELPED = "Helped"
    """The new version is live, and its evaluations found nothing."""
    NOT_HELPED = "NotHelped"
    """The new version is live, and the monitor fires again."""
    FAILED = "Failed"
    """The run failed."""
    REJECTED = "Rejected"
    """A gate, a person or a rollout refused the new version."""
    UNCHANGED = "Unchanged"
    """The run found nothing new and made no version."""
    EXPIRED = "Expired"
    """Nothing came of it within actions.retrain.deadline."""
    UNDECIDED = "Undecided"
    """The new version is live, and too little could be judged within actions.retrain.deadline."""
    SUPERSEDED = "Superseded"
    """Meanwhile another version went live."""
    DECLINED = "Declined"
    """A person said no."""
