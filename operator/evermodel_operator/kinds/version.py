"""ModelVersion: moves a version through its life (decided in `stages`), and lets it be made again on request."""

from datetime import datetime
from typing import Literal

from evermodel_api import API_VERSION
from evermodel_api.reasons import ConditionType, Reason
from evermodel_api.version import JournalEntry, Stage, VersionSpec, VersionStatus
from evermodel_operator import labels
from evermodel_operator.kinds.conditions import Conditions, refused
from evermodel_operator.kinds.reading import controlled_by, is_going, name_of, read_spec, read_status, written
from evermodel_operator.kinds.reproduction import Wish, judged, progress, wished
from evermodel_operator.kinds.stages import MAY_SERVE, Observed, Step, next_step
from evermodel_operator.plan import Event, Object, Plan
from evermodel_operator.settings import Settings
from evermodel_operator.watch.cache import Cache

KEPT_JOURNAL = 20


def observe(cache: Cache, namespace: str, name: str) -> Observed | None:
    """Read from the cache what a plan needs; None when the version is gone."""
    version = cache.get(API_VERSION, "ModelVersion", namespace, name)
    if version is None or is_going(version):
        return None
    model = version["spec"]["model"]
    everything = cache.list(API_VERSION, "ModelVersion", namespace)
    return Observed(
        version=version,
        siblings=[sibling for sibling in everything if sibling["spec"]["model"] == model],
        deployments=cache.list(API_VERSION, "ModelDeployment", namespace),
        training=cache.get(API_VERSION, "ModelTraining", namespace, version["spec"]["training"]["name"]),
        **_reproductions(cache, version),
    )


def _reproductions(cache: Cache, version: Object) -> dict[str, list[Object]]:
    """Jobs and pods; they are looked for only where somebody ever asked, since there may be very many versions."""
    if wished(version) is None and "reproduction" not in version.get("status", {}):
        return {}
    namespace, mine = version["metadata"]["namespace"], {labels.REPRODUCTION: name_of(version)}
    jobs = [job for job in cache.list("batch/v1", "Job", namespace, mine) if controlled_by(job, version)]
    return {"jobs": jobs, "pods": cache.list("v1", "Pod", namespace, mine)}


def plan(observed: Observed, settings: Settings, now: datetime) -> Plan:
    """Move the version to the stage that it has reached, and write the step into its journal."""
    spec = read_spec(VersionSpec, observed.version)
    if isinstance(spec, str):
        return Plan(status=refused(observed.version, Reason.INVALID_SPEC, spec, now))
    before = read_status(VersionStatus, observed.version)
    step = next_step(observed, spec, before.stage)
    journal = list(before.journal)
    events: list[Event] = []
    if step is not None:
        journal.append(_entry(before.stage, step, now))
        severity: Literal["Warning", "Normal"] = "Warning" if step.stage is Stage.REJECTED else "Normal"
        events.append(Event(severity, step.reason, f"{before.stage or 'New'} -> {step.stage}: {step.message}"))
    stage = step.stage if step else before.stage
    conditions = Conditions(before.conditions, observed.version["metadata"].get("generation"), now)
    last = journal[-1] if journal else None
    conditions.set(
        ConditionType.READY,
        stage in MAY_SERVE,
        last.reason if last else Reason.WAITING_FOR_GATES,
        last.message if last else "",
    )
    again = progress(_wish(observed), spec, before.reproduction, settings, now)
    if again.reproduction is not None:
        conditions.set(ConditionType.REPRODUCED, *judged(again.reproduction), again.reproduction.message)
    status = VersionStatus(
        observed_generation=observed.version["metadata"].get("generation"),
        stage=stage,
        journal=journal[-KEPT_JOURNAL:],
        reproduction=again.reproduction,
        conditions=conditions.result(),
    )
    return Plan(again.apply, again.delete, written(status), (*events, *again.events), again.requeue)


def _wish(observed: Observed) -> Wish:
    return Wish(observed.version, observed.jobs, observed.pods, observed.training)


def _entry(before: Stage | None, step: Step, now: datetime) -> JournalEntry:
    return JournalEntry(
        at=now, from_=str(before or ""), to=str(step.stage), by=step.by, reason=str(step.reason), message=step.message
    )
