"""What pods say: their answer, and why they do not start or keep ending."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import ValidationError

from evermodel_api.base import Schema
from evermodel_api.reasons import Reason
from evermodel_api.runs import Exit
from evermodel_operator.children.pod import CHAMPION, COLLECT, CONTAINER
from evermodel_operator.plan import Object

S = TypeVar("S", bound=Schema)
_CANNOT_START = frozenset(
    {
        "ErrImagePull",
        "ErrImageNeverPull",
        "ImagePullBackOff",
        "InvalidImageName",
        "CreateContainerConfigError",
        "CreateContainerError",
        "RunContainerError",
    }
)
_HINTS = {
    "ErrImageNeverPull": "bring the image to the node, or let the operator's settings pull it",
    "ErrImagePull": "check the image's name and that the node may pull it",
    "ImagePullBackOff": "check the image's name and that the node may pull it",
    "InvalidImageName": "correct the image's name, in the operator's settings or where the spec names an image",
}


@dataclass(frozen=True)
class Trouble:
    """Why a pod does not do its work."""

    reason: Reason
    message: str
    final: bool = False
    """Whether trying again cannot help: wrong bytes or a wrong order."""


def _container(pod: Object) -> dict[str, Any]:
    """What Kubernetes says of the container that does the work."""
    return next((status for status in _statuses(pod) if status["name"] == CONTAINER), {})


def _statuses(pod: Object) -> list[dict[str, Any]]:
    """What Kubernetes says of each container, in the order in which they are started."""
    status = pod.get("status", {})
    return [dict(item) for item in [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]]


def _endings(status: dict[str, Any]) -> list[dict[str, Any]]:
    """How a container ended, the last ending first."""
    states = (status.get("state", {}), status.get("lastState", {}))
    return [state["terminated"] for state in states if "terminated" in state]


def _answers(pod: Object) -> list[dict[str, Any]]:
    """Endings with an answer: of the container that does the work, and of the one before it where that failed."""
    collected = [ending for status in _statuses(pod) if status["name"] == COLLECT for ending in _endings(status)]
    return [*_endings(_container(pod)), *(ending for ending in collected if ending.get("exitCode") != Exit.DONE)]


def answer(pods: Iterable[Object], schema: type[S]) -> S | None:
    """The newest readable answer in the pods' termination messages."""
    found: list[tuple[str, S]] = []
    for pod in pods:
        for ending in _answers(pod):
            try:
                found.append(
                    (str(ending.get("finishedAt") or ""), schema.model_validate_json(ending.get("message") or ""))
                )
            except ValidationError:
                continue
    return max(found, key=lambda item: item[0])[1] if found else None


def image_used(pods: Iterable[Object]) -> str | None:
    """The image that the pods ran, by digest, where the node knows it."""
    for pod in pods:
        image = str(_container(pod).get("imageID") or "")
        if "@sha256:" in image:
            return image.removeprefix("docker-pullable://")
    return None


def trouble(pods: Iterable[Object]) -> Trouble | None:
    """The worst thing that keeps the pods from working, or None."""
    found = [item for pod in pods for item in _pod_troubles(pod)]
    return max(found, key=lambda item: item.final, default=None)


def _pod_troubles(pod: Object) -> list[Trouble]:
    name = pod["metadata"]["name"]
    for condition in pod.get("status", {}).get("conditions", []):
        if condition["type"] == "PodScheduled" and condition.get("reason") == "Unschedulable":
            text = f"pod {name} finds no node: {condition.get('message', '')}; add room, or lower resources.requests"
            return [Trouble(Reason.POD_CANNOT_START, text)]
    for status in _statuses(pod):
        waiting = status.get("state", {}).get("waiting", {})
        if waiting.get("reason") in _CANNOT_START:
            hint = _HINTS.get(waiting["reason"], "see kubectl describe pod")
            text = f"{_whose(name, status)} cannot start: {waiting['reason']}: {waiting.get('message', '')}; {hint}"
            return [Trouble(Reason.POD_CANNOT_START, text)]
    # The champion's sidecar is started again by Kubernetes, and the run says when it gives no answer.
    return [
        _ended(_whose(name, status), ending)
        for status in _statuses(pod)
        if status["name"] != CHAMPION
        for ending in _endings(status)[:1]
        if ending.get("exitCode") != Exit.DONE
    ]


def _whose(pod: str, status: dict[str, Any]) -> str:
    container = status["name"]
    return f"pod {pod}" if container == CONTAINER else f"container {container} of pod {pod}"


def _ended(who: str, ending: dict[str, Any]) -> Trouble:
    if ending.get("reason") == "OOMKilled":
        text = f"{who} used more memory than its limit and was ended; raise resources.limits.memory"
        return Trouble(Reason.OUT_OF_MEMORY, text)
    code = ending.get("exitCode")
    last_words = " ".join(str(ending.get("message") or "").split())[-600:] or "it left no message; see its log"
    final = code in {Exit.DATA_WRONG, Exit.SPEC_WRONG}
    return Trouble(Reason.CRASHED, f"{who} ended with code {code}: {last_words}", final=final)
