"""What the objects say when something did not happen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hack.demo.kubectl import Kubectl, KubectlError
from hack.demo.world import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hack.demo.kubectl import Object

_OPERATOR_NAMESPACE = "evermodel-system"
_LAST_EVENTS = 15


def report(kubectl: Kubectl) -> str:
    """Conditions, events, and the last words of pods that are not well and of the operator."""
    parts: list[str] = []
    try:
        objects = kubectl.get(KINDS)
    except KubectlError as error:
        return f"nothing can be seen: {error}"
    parts += [line for thing in objects for line in conditions(thing)]
    parts += ["", "Events:", _try(kubectl, "get", "events", "--sort-by=.lastTimestamp", last=_LAST_EVENTS)]
    for thing in objects:
        if thing["kind"] == "Pod" and not is_well(thing):
            name = thing["metadata"]["name"]
            parts += ["", f"Pod {name}, phase {thing['status'].get('phase')}:"]
            parts += [_try(kubectl, "logs", name, "--all-containers", "--tail=20")]
    operator = ("logs", "deployment/evermodel", "--tail=20", f"--namespace={_OPERATOR_NAMESPACE}")
    parts += ["", "The operator:", _try(kubectl, *operator)]
    return "\n".join(parts)


def conditions(thing: Object) -> Iterator[str]:
    """A line for each condition of one of the four kinds."""
    if not thing["apiVersion"].startswith("evermodel.dev/"):
        return
    where = f"{thing['kind']}/{thing['metadata']['name']}"
    for item in thing.get("status", {}).get("conditions", []):
        yield f"{where}: {item['type']}={item['status']} {item['reason']} {item.get('message', '')}".rstrip()
    if not thing.get("status"):
        yield f"{where}: no status yet: the operator has not seen it"


def is_well(pod: Object) -> bool:
    """Whether a pod runs and is ready, or has done its work."""
    phase = pod["status"].get("phase")
    statuses = pod["status"].get("containerStatuses", [])
    return phase == "Succeeded" or (phase == "Running" and bool(statuses) and all(item["ready"] for item in statuses))


def _try(kubectl: Kubectl, *arguments: str, last: int = 0) -> str:
    try:
        lines = kubectl(*arguments, timeout=20).splitlines()
    except KubectlError as error:
        return str(error)
    return "\n".join(lines[-last:])
