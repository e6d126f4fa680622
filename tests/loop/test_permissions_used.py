"""The operator may do exactly what it does: the API server's audit log of the loop against the granted permissions.

Runs after the other tests of this folder, which made the operator do everything that it can.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from evermodel_operator.cluster.permissions import EVERYWHERE, OWN_NAMESPACE
from hack.cluster.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.loop]

OPERATOR = "system:serviceaccount:evermodel-system:"
OF_APPLY = "create"
"""Server-side apply of an object that is not there is audited as patch, and needs create as well."""
ONLY_WHEN_REPEATED = {("events.k8s.io", "events", "get"), ("events.k8s.io", "events", "patch")}
"""Counting up an Event that is said again; tests/cluster does that, with other credentials."""
ONLY_WHERE_ASKED = {
    *(("networking.k8s.io", "ingresses", verb) for verb in ("get", "patch", "delete")),
    *(("autoscaling", "horizontalpodautoscalers", verb) for verb in ("get", "patch", "delete")),
    ("policy", "poddisruptionbudgets", "delete"),
    ("", "services", "delete"),
}
"""What a spec of the loop does not ask for; tests/cluster does."""

Use = tuple[str, str, str]


def requests(log: Path) -> Iterator[dict[str, Any]]:
    for file in sorted(log.parent.glob("audit*.log")):
        with file.open() as lines:
            for line in lines:
                if OPERATOR in line:
                    yield json.loads(line)


def used(entry: dict[str, Any]) -> Use:
    target = entry["objectRef"]
    sub = f"/{target['subresource']}" if "subresource" in target else ""
    return target.get("apiGroup", ""), target["resource"] + sub, entry["verb"]


def granted() -> set[Use]:
    return {(p.group, p.resource, verb) for p in (*EVERYWHERE, *OWN_NAMESPACE) for verb in p.verbs}


@pytest.fixture
def entries() -> list[dict[str, Any]]:
    log = Settings.from_environment(os.environ).state / "log" / "audit.log"
    if not log.exists():
        pytest.skip("no audit log: only CLUSTER=source keeps one where this test can read it")
    return [entry for entry in requests(log) if entry.get("objectRef", {}).get("resource")]


def test_every_permission_is_used(entries: list[dict[str, Any]]):
    done = {used(entry) for entry in entries if entry["responseStatus"].get("code") != 403}
    unused = {use for use in granted() - done if use[2] != OF_APPLY} - ONLY_WHEN_REPEATED - ONLY_WHERE_ASKED
    assert unused == set()


def test_nothing_is_asked_for_that_is_not_granted(entries: list[dict[str, Any]]):
    assert {used(entry) for entry in entries} - granted() == set()
