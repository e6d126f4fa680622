"""The cases in api.yaml: what the API accepts and what it refuses, and with which words."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any, Literal, TypeAlias

import yaml

from evermodel_api.training import METRICS, SAMPLERS, SELECTORS, TRANSFORMERS, Task

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


_NAMES = {
    "METRICS": " and ".join(
        f"{', '.join(METRICS[task])} for {task}" for task in (Task.REGRESSION, Task.CLASSIFICATION)
    ),
    "TRANSFORMERS": ", ".join(sorted(TRANSFORMERS)),
    "SELECTORS": ", ".join(sorted(SELECTORS)),
    "SAMPLERS": ", ".join(sorted(SAMPLERS)),
}
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
            message=Template(group["message"]).substitute(_NAMES),
            by=group["by"],
            update=group.get("update", False),
            accepted=accepted,
        )
        for group in _DOCUMENT["cases"]
        for accepted in (True, False)
        for change in group["accept" if accepted else "reject"]
    ]


CASES = _cases()
