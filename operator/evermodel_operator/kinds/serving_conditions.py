"""Three questions about a deployment: Serving (is it answered?), UpToDate (by the desired version?), Progressing."""

from datetime import datetime

from evermodel_api.base import Condition
from evermodel_api.deployment import CandidateVersion, DeploymentSpec, DeploymentStatus
from evermodel_api.reasons import ConditionType, Reason
from evermodel_operator.kinds.conditions import Conditions
from evermodel_operator.kinds.readiness import Readiness
from evermodel_operator.kinds.rollout import Rollout
from evermodel_operator.kinds.scene import Scene
from evermodel_operator.kinds.steps import steps_of
from evermodel_operator.plan import Event


def serving_conditions(scene: Scene, rollout: Rollout, ready: Readiness, wanted: str | None) -> list[Condition]:
    """All conditions of a ModelDeployment. `ready` is the live version's readiness."""
    deployment, spec, before, now = scene.observed.deployment, scene.spec, scene.before, scene.now
    conditions = Conditions(before.conditions, deployment["metadata"].get("generation"), now)
    serving = ready.available > 0 or (rollout.wide and rollout.candidate is not None and rollout.candidate.replicas > 0)
    up_to_date = rollout.live is not None and rollout.live == wanted
    words = _serving_words(rollout, ready, spec)
    conditions.set(ConditionType.SERVING, serving, Reason.SERVED if serving else Reason.NOT_SERVED, words)
    reason, text = _up_to_date_words(scene, rollout, wanted)
    conditions.set(ConditionType.UP_TO_DATE, up_to_date, reason, text)
    healthy = serving and up_to_date
    conditions.set(ConditionType.READY, healthy, Reason.SERVED if healthy else _not_ready(serving, reason), words)
    if rollout.candidate is not None:
        conditions.set(ConditionType.PROGRESSING, True, *_candidate_words(scene, rollout, rollout.candidate))
    elif rollout.live is not None and not ready.complete:
        late = now - _waiting_since(rollout, before, now) >= scene.deadline
        _set_starting(conditions, rollout, ready, late=late)
    else:
        _set_idle(conditions, scene, rollout, wanted)
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


def _up_to_date_words(scene: Scene, rollout: Rollout, wanted: str | None) -> tuple[Reason, str]:
    spec = scene.spec
    pinned = scene.wishes.pin or (spec.model.version_ref.name if spec.model.version_ref else None)
    if wanted is None and pinned is not None:
        text = f"ModelVersion {pinned} is not there or may not serve; name an approved one."
        return Reason.VERSION_NOT_APPROVED, text
    if wanted is None:
        training = spec.model.training_ref.name if spec.model.training_ref else ""
        text = f"ModelTraining {training} has no approved version yet; see kubectl describe modeltraining {training}."
        return Reason.NO_VERSION, text
    if rollout.live == wanted:
        return Reason.SERVED, f"{wanted} is the desired version."
    return Reason.ROLLING_OUT, f"{wanted} is desired and {rollout.live} is live."


def _candidate_words(scene: Scene, rollout: Rollout, candidate: CandidateVersion) -> tuple[Reason, str]:
    """What a rollout waits for: pods, the end of a step, or a person."""
    steps = len(steps_of(scene.spec))
    where = f" in step {candidate.step} of {steps}" if candidate.step <= steps else ""
    if candidate.waiting is not None:
        why = f": {rollout.trouble.message}" if rollout.trouble else ""
        end = f"{candidate.waiting + scene.deadline:%H:%M:%S} UTC"
        pods = f"{candidate.replicas} of {rollout.size} are ready, and it is given up at {end}"
        return Reason.ROLLING_OUT, f"Waiting for the pods of {candidate.version}{where}: {pods}{why}"
    share = f", answers about {candidate.weight} % of the requests" if candidate.weight else ""
    rest = f"{candidate.version} is ready{where}{share}"
    if rollout.until is not None:
        return Reason.STEP, f"{rest} and goes on at {rollout.until:%H:%M:%S} UTC."
    return (Reason.PAUSED if scene.wishes.paused else Reason.STEP), f"{rest}. {rollout.hint}".strip()


def _waiting_since(rollout: Rollout, before: DeploymentStatus, now: datetime) -> datetime:
    """Since when the version that is being started is waited for. Pods that once served and fail get the time anew."""
    stopped = [
        c.last_transition_time for c in before.conditions if c.type == ConditionType.SERVING and c.status != "True"
    ]
    return max([rollout.since or now, *stopped])


def _set_idle(conditions: Conditions, scene: Scene, rollout: Rollout, wanted: str | None) -> None:
    if rollout.watched is not None:
        text = f"{rollout.live} answers; a failed check moves back until {rollout.watched.until:%H:%M:%S} UTC."
        conditions.set(ConditionType.PROGRESSING, False, Reason.WATCHED, text)
        return
    if scene.wishes.paused and wanted not in {None, rollout.live}:
        text = f"{wanted} waits: a person paused rollouts with the annotation evermodel.dev/pause."
        conditions.set(ConditionType.PROGRESSING, False, Reason.PAUSED, text)
        return
    last = rollout.rejected[0] if rollout.rejected else None
    text = f"The last version that was tried, {last.version}, was given up: {last.message}" if last else ""
    reason = Reason.IDLE if wanted is not None or rollout.live is not None else Reason.NO_VERSION
    conditions.set(ConditionType.PROGRESSING, False, reason, text)


def _set_starting(conditions: Conditions, rollout: Rollout, ready: Readiness, *, late: bool) -> None:
    """The live version gets its pods; there is no candidate."""
    why = f": {rollout.trouble.message}" if rollout.trouble else ""
    broken = rollout.trouble is not None and rollout.trouble.final
    if not ready.available and (late or broken):
        # There is no other version to go on with: somebody has to act.
        reason = Reason.ROLLOUT_FAILED if broken else Reason.PROGRESS_DEADLINE_EXCEEDED
        text = f"The pods of {rollout.live} are not ready{why}"
        conditions.set(ConditionType.PROGRESSING, False, reason, text)
        conditions.set(ConditionType.STALLED, True, reason, text)
        return
    conditions.set(ConditionType.PROGRESSING, True, Reason.ROLLING_OUT, f"Waiting for the pods of {rollout.live}{why}")
