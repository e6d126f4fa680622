"""The retraining that a monitor asked for, as the cluster shows it: its run, its version, what came of it. Pure."""

from evermodel_api.monitor import MonitorStatus, Retraining, RetrainRequest, RetrainResult
from evermodel_api.training import CurrentRun, PastRun, TrainingStatus
from evermodel_api.version import Stage, VersionStatus
from evermodel_operator.kinds.reading import name_of, read_status
from evermodel_operator.plan import Object

_RESULTS = {"Failed": RetrainResult.FAILED, "Skipped": RetrainResult.UNCHANGED, "Refused": RetrainResult.REJECTED}
"""What a run's outcome says of the retraining; a run that succeeded is for its version to say."""


def open_retraining(
    monitor: Object, status: MonitorStatus, training: Object | None, versions: dict[str, Object]
) -> Retraining | None:
    """The retraining whose end is not recorded yet, or None."""
    request = status.request
    ended = {past.id for past in status.retrain.history} if status.retrain else set()
    if request is None or request.id in ended:
        return None
    if training is None:
        return Retraining(request=request, stage="its ModelTraining is not there")
    known = read_status(TrainingStatus, training)
    run = run_of(known, asker(monitor), request)
    name = name_of(training)
    if run is None:
        waits = known.acknowledged.get(asker(monitor)) != request.id
        return Retraining(request=request, stage=f"waits for {name}" if waits else f"its run is not known to {name}")
    version = f"{name}-{run.id}"
    if isinstance(run, CurrentRun):
        return Retraining(request=request, run=version, stage=f"run {run.id} of {name} is {run.phase}")
    result = _RESULTS.get(run.outcome)
    stage = _stage(versions.get(version))
    if stage is Stage.REJECTED:
        result = RetrainResult.REJECTED
    return Retraining(request=request, run=version, result=result, stage=f"{version} is {stage or run.outcome}")


def asker(monitor: Object) -> str:
    """How a training names this monitor."""
    return f"driftmonitor/{name_of(monitor)}"


def run_of(training: TrainingStatus, who: str, request: RetrainRequest) -> CurrentRun | PastRun | None:
    """The run that acts on a request, the last one where it was repeated for memory or a lost node.

    One run serves everybody who asked before it began, and names one of them as its cause: then it is the first that
    began after the request.
    """
    runs: list[CurrentRun | PastRun] = [*reversed(training.runs), *([training.run] if training.run else [])]
    mine = next((run for run in runs if (run.cause.by, run.cause.request) == (who, request.id)), None)
    if mine is None and training.acknowledged.get(who) == request.id:
        mine = next((run for run in runs if run.started >= request.since), None)
    for run in runs:
        if mine is not None and run.cause.by == f"run/{mine.id}":
            mine = run
    return mine


def _stage(version: Object | None) -> Stage | None:
    return read_status(VersionStatus, version).stage if version is not None else None
