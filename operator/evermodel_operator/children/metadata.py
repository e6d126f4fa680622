"""Names and owners of children."""

from evermodel_operator.labels import RESERVED_PREFIX
from evermodel_operator.plan import Object


def owner_reference(owner: Object) -> Object:
    """The controller reference to `owner`, so that Kubernetes removes the child with it."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
    }


def metadata(owner: Object, name: str, labels: dict[str, str], annotations: dict[str, str] | None = None) -> Object:
    """Metadata of a child that lives and dies with `owner`."""
    result: Object = {
        "name": name,
        "namespace": owner["metadata"]["namespace"],
        "labels": labels,
        "ownerReferences": [owner_reference(owner)],
    }
    if annotations:
        result["annotations"] = annotations
    return result


def foreign(texts: dict[str, str]) -> dict[str, str]:
    """Labels or annotations without those of Evermodel: by them it finds its pods, and Services select theirs."""
    return {name: text for name, text in texts.items() if not name.startswith(RESERVED_PREFIX)}
