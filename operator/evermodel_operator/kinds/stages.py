"""Where a version is in its life: computed from what its training, its siblings and the deployments report."""

from dataclasses import dataclass, field

from pydantic import ValidationError

from evermodel_api.deployment import DeploymentStatus
from evermodel_api.reasons import Reason
from evermodel_api.training.run import Register
from evermodel_api.version import Stage, VersionSpec
from evermodel_operator import labels
from evermodel_operator.kinds.reading import annotation, name_of, read_status
from evermodel_operator.kinds.training_events import refusal
from evermodel_operator.plan import Object

MAY_SERVE = frozenset({Stage.APPROVED, Stage.CHAMPION})
_ENDED = frozenset({Stage.RETIRED, Stage.REJECTED})


@dataclass(frozen=True)
class Observed:
    """What is there."""

    version: Object
    siblings: list[Object] = field(default_factory=list)
    """Versions of the same model, this one included."""
    deployments: list[Object] = field(default_factory=list)
    """All deployments of the namespace."""
    training: Object | None = None
    """The training that made it."""
    jobs: list[Object] = field(default_factory=list)
    """Jobs that make it again, or did."""
    pods: list[Object] = field(default_factory=list)
    """Their pods."""


@dataclass(frozen=True)
class Step:
    """A stage, and who or what led to it."""

    stage: Stage
    by: str
    reason: Reason
    message: str


def next_step(observed: Observed, spec: VersionSpec, stage: Stage | None) -> Step | None:
    """The step to another stage that is due, or None. One step at a time, so that the journal tells them all."""
    if stage is None:
        return Step(Stage.CANDIDATE, f"modeltraining/{spec.training.name}", Reason.WAITING_FOR_GATES, "Recorded.")
    if stage is Stage.ARCHIVED:
        return None
    if stage is Stage.REJECTED and (again := _retried(observed, spec)):
        return again
    if stage in _ENDED:
        return _beyond_keep(observed, spec)
    if stage is Stage.CANDIDATE:
        return _after_gates(observed, spec)
    if stage is Stage.PENDING_APPROVAL:
        return _after_person(observed.version)
    return _rejected_by_deployment(observed) or _taking_over(observed, spec, stage)


def _after_gates(observed: Observed, spec: VersionSpec) -> Step | None:
    by = f"modeltraining/{spec.training.name}"
    failed = [gate for gate in spec.gates if not gate.passed]
    if failed:
        return Step(Stage.REJECTED, by, Reason.GATE_REFUSED, refusal("Gates that do not hold:", failed))
    if spec.approval == "Manual":
        hint = f"kubectl annotate modelversion {name_of(observed.version)} {labels.APPROVE}=yes (or =no)"
        return Step(Stage.PENDING_APPROVAL, by, Reason.APPROVAL_NEEDED, f"Waits for a person: {hint}.")
    return Step(Stage.APPROVED, by, Reason.APPROVED, "Its gates hold." if spec.gates else "It has no gates to pass.")


def _after_person(version: Object) -> Step | None:
    answer = annotation(version, labels.APPROVE)
    if answer == "yes":
        return Step(Stage.APPROVED, "person", Reason.APPROVED_BY_PERSON, "A person said yes.")
    if answer == "no":
        return Step(Stage.REJECTED, "person", Reason.REJECTED_BY_PERSON, "A person said no.")
    return None


def _rejected_by_deployment(observed: Observed) -> Step | None:
    name = name_of(observed.version)
    for deployment in observed.deployments:
        for rejected in read_status(DeploymentStatus, deployment).rejected:
            if rejected.version == name:
                by = f"modeldeployment/{name_of(deployment)}"
                return Step(Stage.REJECTED, by, Reason(rejected.reason), rejected.message)
    return None


def _retried(observed: Observed, spec: VersionSpec) -> Step | None:
    """A person wants a deployment to try the version again. One whose gates do not hold stays what it is."""
    name = name_of(observed.version)
    for deployment in observed.deployments:
        status = read_status(DeploymentStatus, deployment)
        given_up = any(item.version == name for item in status.rejected)
        if status.retried == name and not given_up and all(gate.passed for gate in spec.gates):
            by = f"modeldeployment/{name_of(deployment)}"
            return Step(Stage.APPROVED, by, Reason.RETRIED, "A person asked to try it again.")
    return None


def _taking_over(observed: Observed, spec: VersionSpec, stage: Stage) -> Step | None:
    champion = champion_of(observed.siblings, observed.deployments)
    if champion is None:
        return None
    name = name_of(observed.version)
    newest, followers = champion
    if name_of(newest) == name:
        if stage is Stage.CHAMPION:
            return None
        if not followers:
            by = f"modeltraining/{spec.training.name}"
            return Step(Stage.CHAMPION, by, Reason.NOT_FOLLOWED, "The newest approved version; no deployment follows.")
        by = ", ".join(f"modeldeployment/{name_of(follower)}" for follower in followers)
        return Step(Stage.CHAMPION, by[:253], Reason.ROLLOUT_COMPLETE, "Answers all traffic.")
    if int(newest["spec"]["version"]) < spec.version:
        return None  # a challenger on its way
    if not _held(name, observed.deployments):
        text = f"{name_of(newest)} took over and nothing keeps this version warm."
        return Step(Stage.RETIRED, f"modelversion/{name_of(newest)}", Reason.KEEP_PREVIOUS_OVER, text)
    if stage is Stage.CHAMPION:
        text = f"{name_of(newest)} took over; this version is kept warm."
        return Step(Stage.APPROVED, f"modelversion/{name_of(newest)}", Reason.SUPERSEDED, text)
    return None


def champion_of(siblings: list[Object], deployments: list[Object]) -> tuple[Object, list[Object]] | None:
    """The version that is, or now becomes, the champion, and the deployments that follow the training.

    Where deployments follow: the version that all of them serve; while they disagree, nobody's place changes (None).
    Where none follows: the newest one that may serve.
    """
    able = [sibling for sibling in siblings if sibling.get("status", {}).get("stage") in MAY_SERVE]
    if not able:
        return None
    model = able[0]["spec"]["model"]
    followers = [d for d in deployments if d["spec"]["model"].get("trainingRef", {}).get("name") == model]
    if not followers:
        return max(able, key=lambda version: int(version["spec"]["version"])), []
    live = {_answering(deployment) for deployment in followers}
    agreed = [version for version in able if live == {name_of(version)}]
    return (agreed[0], followers) if agreed else None


def _answering(deployment: Object) -> str | None:
    """The version whose pods answer, or None."""
    live = read_status(DeploymentStatus, deployment).live
    return live.version if live is not None and live.replicas > 0 else None


def _beyond_keep(observed: Observed, spec: VersionSpec) -> Step | None:
    """The step of a version that has ended into the archive; one that a deployment names stays as it is."""
    kept = _kept(observed.training)
    if kept is None or _held(name_of(observed.version), observed.deployments):
        return None
    ended = [sibling for sibling in observed.siblings if sibling.get("status", {}).get("stage") in _ENDED]
    newer = sum(1 for sibling in ended if int(sibling["spec"]["version"]) > spec.version)
    if newer < kept:
        return None
    text = f"{newer} newer versions are Retired or Rejected, and register.keep is {kept}."
    return Step(Stage.ARCHIVED, f"modeltraining/{spec.training.name}", Reason.BEYOND_KEEP, text)


def _kept(training: Object | None) -> int | None:
    """How many versions that have ended the training keeps; None where nobody says."""
    if training is None:
        return None
    try:
        return Register.model_validate(training["spec"].get("register", {})).keep
    except ValidationError:
        return None


def _held(name: str, deployments: list[Object]) -> bool:
    """Whether a deployment serves the version, keeps it warm, rolls it out or is pinned to it."""
    for deployment in deployments:
        status = read_status(DeploymentStatus, deployment)
        pinned = annotation(deployment, labels.PIN) or deployment["spec"]["model"].get("versionRef", {}).get("name")
        holders = (status.live, status.candidate, status.previous)
        if name == pinned or any(holder is not None and holder.version == name for holder in holders):
            return True
    return False
