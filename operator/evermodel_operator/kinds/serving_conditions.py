"""Three questions about a deployment: Serving (is it answered?), UpToDate (by the desired version?), Progressing."""

from datetime import datetime

from evermodel_api.base import Condition, parse_duration
from evermodel_api.deployment import DeploymentSpec, DeploymentStatus
from evermodel_api.reasons import ConditionType, Reason
from evermodel_operator.kinds.conditions import Conditions
from evermodel_operator.kinds.readiness import Readiness
from evermodel_operator.kinds.reading import read_status
from evermodel_operator.kinds.rollout import Rollout
from evermodel_operator.plan import Event, Object


def serving_conditions(
    deployment: Object,
    spec: DeploymentSpec,
    rollout: Rollout,
    ready: Readiness,
    wanted: str | None,
    now: datetime,
) -> list[Condition]:
    """All conditions of a ModelDeployment. `ready` is the live version's readiness."""
    before = read_status(DeploymentStatus, deployment)
    conditions = Conditions(before.conditions, deployment["metadata"].get("generation"), now)
    serving = ready.available > 0
    up_to_date = rollout.live is not None and rollout.live == wanted
    words = _serving_words(rollout, ready, spec)
    conditions.set(ConditionType.SERVING, serving, Reason.SERVED if serving else Reason.NOT_SERVED, words)
    reason, text = _up_to_date_words(rollout, spec, wanted)
    conditions.set(ConditionType.UP_TO_DATE, up_to_date, reason, text)
    healthy = serving and up_to_date
    conditions.set(ConditionType.READY, healthy, Reason.SERVED if healthy else _not_ready(serving, reason), words)
    if rollout.candidate is not None or (rollout.live is not None and not ready.complete):
        late = now - _waiting_since(rollout, before, now) >= parse_duration(spec.strategy.progress_deadline)
        _set_progress(conditions, rollout, ready, late=late)
    else:
        _set_idle(conditions, rollout, wanted)
    return conditions.result()


def stalled_events(before: list[Condition], after: list[Condition]) -> list[Event]:
    """What to tell when nothing will happen any more until somebody acts; told once, when it begins."""
    if any(condition.type == ConditionType.STALLED for condition in before):
        return []
    return [Event("Warning", item.reason, item.message) for item in after if item.type == ConditionType.STALLED]


def _not_ready(serving: bool, reason: Reason) -> Reason:
    return reason if serving else Reason.NOT_SERVED


def _serving_words(rollout: Rollout, ready: Readiness, spec: DeploymentSpec) -> str:
    if rollout.live is None:
        return "No version is live."
    trouble = f": {rollout.trouble.message}" if rollout.trouble and not ready.available else ""
    return f"{rollout.live}: {ready.available} of {spec.replicas} pods are ready{trouble}"


def _up_to_date_words(rollout: Rollout, spec: DeploymentSpec, wanted: str | None) -> tuple[Reason, str]:
    if wanted is None and spec.model.version_ref is not None:
        name = spec.model.version_ref.name
        return Reason.VERSION_NOT_APPROVED, f"ModelVersion {name} is not there or may not serve; name an approved one."
    if wanted is None:
        training = spec.model.training_ref.name if spec.model.training_ref else ""
        text = f"ModelTraining {training} has no approved version yet; see kubectl describe modeltraining {training}."
        return Reason.NO_VERSION, text
    if rollout.live == wanted:
        return Reason.SERVED, f"{wanted} is the desired version."
    return Reason.ROLLING_OUT, f"{wanted} is desired and {rollout.live} is live."


def _waiting_since(rollout: Rollout, before: DeploymentStatus, now: datetime) -> datetime:
    """Since when the version that is being started is waited for. Pods that once served and fail get the time anew."""
    stopped = [
        c.last_transition_time for c in before.conditions if c.type == ConditionType.SERVING and c.status != "True"
    ]
    return max([rollout.since or now, *stopped])


def _set_idle(conditions: Conditions, rollout: Rollout, wanted: str | None) -> None:
    last = rollout.rejected[0] if rollout.rejected else None
    text = f"The last version that was tried, {last.version}, was given up: {last.message}" if last else ""
    reason = Reason.IDLE if wanted is not None or rollout.live is not None else Reason.NO_VERSION
    conditions.set(ConditionType.PROGRESSING, False, reason, text)


def _set_progress(conditions: Conditions, rollout: Rollout, ready: Readiness, *, late: bool) -> None:
    starting = rollout.candidate or rollout.live
    why = f": {rollout.trouble.message}" if rollout.trouble else ""
    broken = rollout.trouble is not None and rollout.trouble.final
    if rollout.candidate is None and not ready.available and (late or broken):
        # There is no other version to go on with: somebody has to act.
        reason = Reason.ROLLOUT_FAILED if broken else Reason.PROGRESS_DEADLINE_EXCEEDED
        text = f"The pods of {starting} are not ready{why}"
        conditions.set(ConditionType.PROGRESSING, False, reason, text)
        conditions.set(ConditionType.STALLED, True, reason, text)
        return
    conditions.set(ConditionType.PROGRESSING, True, Reason.ROLLING_OUT, f"Waiting for the pods of {starting}{why}")
