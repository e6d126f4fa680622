"""What pods say: their answer, and why they do not start or keep ending."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import ValidationError

from evermodel_api.base import Schema
from evermodel_api.reasons import Reason
from evermodel_api.runs import Exit
from evermodel_operator.children.pod import CONTAINER
from evermodel_operator.plan import Object

S = TypeVar("S", bound=Schema)
_CANNOT_START = frozenset(
    {
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "CreateContainerConfigError",
        "CreateContainerError",
        "RunContainerError",
    }
)
_HINTS = {
    "ErrImagePull": "check the image's name and that the node may pull it",
    "ImagePullBackOff": "check the image's name and that the node may pull it",
    "InvalidImageName": "correct the image's name in the operator's settings",
}


@dataclass(frozen=True)
class Trouble:
    """Why a pod does not do its work."""

    reason: Reason
    message: str
    final: bool = False
    """Whether trying again cannot help: wrong bytes or a wrong order."""


def _container(pod: Object) -> dict[str, Any]:
    for status in pod.get("status", {}).get("containerStatuses", []):
        if status["name"] == CONTAINER:
            return dict(status)
    return {}


def _endings(pod: Object) -> list[dict[str, Any]]:
    """How the container ended, the last ending first."""
    status = _container(pod)
    states = (status.get("state", {}), status.get("lastState", {}))
    return [state["terminated"] for state in states if "terminated" in state]


def answer(pods: Iterable[Object], schema: type[S]) -> S | None:
    """The newest readable answer in the pods' termination messages."""
    found: list[tuple[str, S]] = []
    for pod in pods:
        for ending in _endings(pod):
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
    waiting = _container(pod).get("state", {}).get("waiting", {})
    if waiting.get("reason") in _CANNOT_START:
        hint = _HINTS.get(waiting["reason"], "see kubectl describe pod")
        text = f"pod {name} cannot start: {waiting['reason']}: {waiting.get('message', '')}; {hint}"
        return [Trouble(Reason.POD_CANNOT_START, text)]
    return [_ended(name, ending) for ending in _endings(pod)[:1] if ending.get("exitCode") != Exit.DONE]


def _ended(name: str, ending: dict[str, Any]) -> Trouble:
    if ending.get("reason") == "OOMKilled":
        text = f"pod {name} used more memory than its limit and was ended; raise resources.limits.memory"
        return Trouble(Reason.OUT_OF_MEMORY, text)
    code = ending.get("exitCode")
    last_words = " ".join(str(ending.get("message") or "").split())[-600:] or "it left no message; see its log"
    final = code in {Exit.DATA_WRONG, Exit.SPEC_WRONG}
    return Trouble(Reason.CRASHED, f"pod {name} ended with code {code}: {last_words}", final=final)
