"""The cases in api.yaml: what the API accepts and what it refuses, and with which words."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import yaml

Object: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """One change of a right object, and whether the result is right."""

    name: str
    before: Object
    after: Object
    message: str
    by: Literal["rule", "schema"]
    update: bool
    accepted: bool


_DOCUMENT = yaml.safe_load(Path(__file__).with_name("api.yaml").read_text())
OBJECTS: dict[str, Object] = _DOCUMENT["objects"]


def changed(before: Object, changes: dict[str, Any]) -> Object:
    """A copy with the values at these dotted paths set, or removed where they are None."""
    after = copy.deepcopy(before)
    for path, value in changes.items():
        *above, last = (int(step) if step.isdigit() else step for step in path.split("."))
        place: Any = after
        for step in above:
            place = place[step]
        if value is None:
            del place[last]
        else:
            place[last] = value
    return after


def _cases() -> list[Case]:
    return [
        Case(
            name=f"{group['object']}: {change} {'accepted' if accepted else 'refused'}",
            before=OBJECTS[group["object"]],
            after=changed(OBJECTS[group["object"]], change),
            message=group["message"],
            by=group["by"],
            update=group.get("update", False),
            accepted=accepted,
        )
        for group in _DOCUMENT["cases"]
        for accepted in (True, False)
        for change in group["accept" if accepted else "reject"]
    ]


CASES = _cases()
