"""Who asks for a run: the spec, drift monitors, people. Each request is acted on once."""

from evermodel_api.monitor import MonitorStatus
from evermodel_api.reasons import Reason
from evermodel_api.training import Cause
from evermodel_operator.kinds.reading import name_of, read_status
from evermodel_operator.labels import RETRAIN_PREFIX
from evermodel_operator.plan import Object


def asked(training: Object, monitors: list[Object]) -> dict[str, Cause]:
    """The present request of each asker: of monitors from their status, of people from annotations of the training."""
    requests: dict[str, Cause] = {}
    for monitor in monitors:
        request = read_status(MonitorStatus, monitor).request
        if request is not None:
            asker = f"driftmonitor/{name_of(monitor)}"
            requests[asker] = Cause(by=asker, reason=str(request.cause), request=request.id)
    for key, value in sorted(training["metadata"].get("annotations", {}).items()):
        if key.startswith(RETRAIN_PREFIX) and value:
            asker = f"person/{key.removeprefix(RETRAIN_PREFIX)}"
            requests[asker] = Cause(by=asker, reason=Reason.REQUESTED, request=str(value)[:253])
    return requests


def pending(requests: dict[str, Cause], acknowledged: dict[str, str]) -> dict[str, Cause]:
    """The requests that no run has acted on."""
    return {asker: cause for asker, cause in requests.items() if acknowledged.get(asker) != cause.request}


def next_cause(
    waiting: dict[str, Cause], *, digest: str, last_digest: str | None, on_spec_change: bool
) -> Cause | None:
    """Why a run has to start now, or None. `last_digest` is of the newest run's spec; None when there was no run."""
    if last_digest is None:
        return Cause(by="spec", reason=Reason.CREATED)
    if on_spec_change and last_digest != digest:
        return Cause(by="spec", reason=Reason.SPEC_CHANGED)
    return next(iter(waiting.values()), None)
