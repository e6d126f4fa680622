"""What users say of serving pods, merged into what Evermodel says, as `kubectl patch` merges (strategically).

Objects are merged field by field and the user's word wins; lists whose items have names are merged by name; other lists
are replaced, but for tolerations, which add up.
"""

from typing import Any

from evermodel_api.pod import ServingPodTemplate
from evermodel_operator.children.metadata import foreign
from evermodel_operator.children.pod import CONTAINER, restricted
from evermodel_operator.plan import Object

_KEYS = {"volumeMounts": "mountPath", "ports": "containerPort"}
_NAMED = frozenset({"containers", "initContainers", "volumes", "env", *_KEYS})
_ADDED = frozenset({"tolerations", "envFrom"})


def overridden(template: Object, wish: ServingPodTemplate) -> Object:
    """The pod template with a user's overrides. Containers that the user adds are restricted unless they say more."""
    metadata = template["metadata"]
    said = {name: value for name, value in wish.spec.dump().items() if value not in ({}, [])}
    for kind in ("containers", "initContainers"):
        if kind in said:
            said[kind] = [_restricted(container) for container in said[kind]]
    labels = {**foreign(wish.metadata.labels), **metadata["labels"]}
    annotations = {**foreign(wish.metadata.annotations), **metadata.get("annotations", {})}
    return {
        "metadata": {**metadata, "labels": labels, **({"annotations": annotations} if annotations else {})},
        "spec": merged(template["spec"], said),
    }


def _restricted(container: Object) -> Object:
    return container if container["name"] == CONTAINER else merged({"securityContext": restricted()}, container)


def merged(ours: Any, theirs: Any, field: str = "") -> Any:
    """One value of a pod merged with a user's; `field` is what it is called.

    >>> merged({"env": [{"name": "A", "value": "1"}]}, {"env": [{"name": "B", "value": "2"}]})
    {'env': [{'name': 'A', 'value': '1'}, {'name': 'B', 'value': '2'}]}
    """
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return {
            **ours,
            **{key: merged(ours[key], value, key) if key in ours else value for key, value in theirs.items()},
        }
    if isinstance(ours, list) and isinstance(theirs, list):
        if field in _ADDED:
            return [*ours, *(item for item in theirs if item not in ours)]
        if field in _NAMED:
            return _merged_by(_KEYS.get(field, "name"), ours, theirs)
    return theirs


def _merged_by(key: str, ours: list[Any], theirs: list[Any]) -> list[Any]:
    wanted = {item.get(key): item for item in theirs}
    known = {item.get(key) for item in ours}
    # A variable that both give is the user's whole: value and valueFrom cannot stand beside each other.
    return [
        *(item if item.get(key) not in wanted else _one(item, wanted[item.get(key)], key) for item in ours),
        *(item for item in theirs if item.get(key) not in known),
    ]


def _one(ours: Object, theirs: Object, key: str) -> Object:
    is_variable = key == "name" and ("value" in theirs or "valueFrom" in theirs)
    merge: Object = theirs if is_variable else merged(ours, theirs)
    return merge
