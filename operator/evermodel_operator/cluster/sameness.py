"""Whether a child already is as a manifest wants it, so that nothing is written at rest."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from evermodel_operator.labels import APPLIED

if TYPE_CHECKING:
    from evermodel_operator.plan import Object


def digest_of(manifest: Object) -> str:
    """What tells one manifest from another: 16 hex digits of sha256."""
    text = json.dumps(manifest, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def carries(child: Object, digest: str) -> bool:
    """Whether a child was last written from the manifest of that digest."""
    return (child["metadata"].get("annotations") or {}).get(APPLIED) == digest


def contains(actual: Any, wanted: Any) -> bool:
    """Whether everything that is wanted is there; what the API server or others added does not matter.

    Empty values may be absent, since the API server leaves many of them out.
    """
    if isinstance(wanted, dict):
        if actual is None:
            return not any(wanted.values())
        return isinstance(actual, dict) and all(contains(actual.get(key), value) for key, value in wanted.items())
    if isinstance(wanted, list):
        return _contains_items(actual or [], wanted)
    return bool(actual == wanted) or (actual is None and not wanted)


def _contains_items(actual: Any, wanted: list[Any]) -> bool:
    if not isinstance(actual, list) or len(actual) < len(wanted):
        return False
    if not all(isinstance(item, dict) and "name" in item for item in wanted):
        return all(contains(have, want) for have, want in zip(actual, wanted, strict=False))
    named = {item.get("name"): item for item in actual if isinstance(item, dict)}
    return all(contains(named.get(item["name"]), item) for item in wanted)
