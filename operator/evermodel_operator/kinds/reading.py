"""Reading Kubernetes objects: plain JSON in, typed facts out."""

from datetime import UTC, datetime
from typing import Any, TypeVar

from pydantic import ValidationError

from evermodel_api.base import Schema
from evermodel_operator.plan import Object

S = TypeVar("S", bound=Schema)


def name_of(thing: Object) -> str:
    """Its name."""
    return str(thing["metadata"]["name"])


def label(thing: Object, key: str) -> str | None:
    """One of its labels."""
    value = thing["metadata"].get("labels", {}).get(key)
    return None if value is None else str(value)


def annotation(thing: Object, key: str) -> str | None:
    """One of its annotations."""
    value = thing["metadata"].get("annotations", {}).get(key)
    return None if value is None else str(value)


def controlled_by(thing: Object, owner: Object) -> bool:
    """Whether `owner` is its controller."""
    return any(
        reference.get("controller") and reference.get("uid") == owner["metadata"]["uid"]
        for reference in thing["metadata"].get("ownerReferences", [])
    )


def is_going(thing: Object) -> bool:
    """Whether it is being deleted."""
    return bool(thing["metadata"].get("deletionTimestamp"))


def moment(text: str) -> datetime:
    """A Kubernetes time as an aware datetime."""
    return datetime.fromisoformat(text).astimezone(UTC)


def read_status(schema: type[S], thing: Object) -> S:
    """Its status. A status that this operator cannot read (an older or newer version wrote it) counts as none.

    Everything that must not be forgotten is also in the children, so a status can be made again.
    """
    try:
        return schema.model_validate(thing.get("status") or {})
    except ValidationError:
        return schema()


def written(status: Schema) -> Object:
    """The status as it is written: what is empty is left out, so that `kubectl describe` shows only what there is."""
    kept: Object = _without_empty(status.dump())
    return kept


def _without_empty(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_empty(item) for item in value]
    if not isinstance(value, dict):
        return value
    shorter = {key: _without_empty(item) for key, item in value.items()}
    return {key: item for key, item in shorter.items() if item not in ([], {}, "")}


def read_spec(schema: type[S], thing: Object) -> S | str:
    """Its spec, or one sentence that says what is wrong with it.

    The API server has checked it by the same rules; it can still be wrong where the CRD is of another version.
    """
    try:
        return schema.model_validate(thing["spec"])
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        return (
            f"spec.{where}: {first['msg']}. The installed CRDs and this operator are of different versions: "
            "install both from the same release, then apply the object again."
        )


def finished_as(job: Object) -> str | None:
    """Complete or Failed when a Job has ended, else None."""
    for condition in job.get("status", {}).get("conditions", []):
        if condition["status"] == "True" and condition["type"] in {"Complete", "Failed"}:
            return str(condition["type"])
    return None


def failure_of(job: Object) -> tuple[str, str]:
    """Reason and message of a failed Job."""
    for condition in job.get("status", {}).get("conditions", []):
        if condition["status"] == "True" and condition["type"] == "Failed":
            return str(condition.get("reason", "")), str(condition.get("message", ""))
    return "", ""


def finished_at(job: Object) -> datetime | None:
    """When a Job ended."""
    for condition in job.get("status", {}).get("conditions", []):
        if condition["status"] == "True" and condition["type"] in {"Complete", "Failed"}:
            return moment(condition["lastTransitionTime"])
    return None
