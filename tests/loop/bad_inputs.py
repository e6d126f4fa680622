"""Everything that may be wrong with what a training is given: how to make it so, and what must be said about it."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

Spec = dict[str, Any]
NOWHERE = "nowhere-db"
"""A Secret whose URL leads to a host that is not there."""


@dataclass(frozen=True)
class BadInput:
    """One thing that is wrong."""

    name: str
    spoil: Callable[[Spec], None]
    """Changes a good spec."""
    reason: str
    says: tuple[str, ...]
    """Words that name the cause and the remedy."""
    attempts: int = 1
    """Pods that may be started: what is wrong once is wrong again, and only what may come back is tried twice."""

    def spec(self, good: Spec) -> Spec:
        """The good spec with this one thing wrong."""
        spec = deepcopy(good)
        spec["run"] = {**spec["run"], "backoffLimit": 1, "resources": {"requests": {"cpu": "20m", "memory": "200Mi"}}}
        self.spoil(spec)
        return spec


def _sql(spec: Spec) -> dict[str, Any]:
    sql: dict[str, Any] = spec["data"]["sources"][0]["sql"]
    return sql


def _target(spec: Spec) -> None:
    spec["target"] = "diagnoses"
    spec["data"].pop("rows")


def _column(spec: Spec) -> None:
    spec["data"]["rows"] = [{"dropMissing": {"columns": ["cholesterol"]}}]


def _parameter(spec: Spec) -> None:
    spec["algorithms"][0]["params"] = {"neighbours": 15}


BAD_INPUTS = (
    BadInput("missing-target", _target, "ColumnMissing", ("diagnoses", "diagnosis")),
    BadInput("missing-column", _column, "ColumnMissing", ("cholesterol", "data.rows[0].dropMissing", "chol")),
    BadInput(
        "wrong-secret-key",
        lambda spec: _sql(spec)["secretRef"].update(key="url"),
        "SecretKeyMissing",
        ("clinic-db", "url", "kubectl create secret"),
    ),
    BadInput(
        "missing-secret",
        lambda spec: _sql(spec)["secretRef"].update(name="clinic-database"),
        "SecretKeyMissing",
        ("clinic-database", "dsn", "kubectl create secret"),
    ),
    BadInput(
        "unreachable-database",
        lambda spec: _sql(spec)["secretRef"].update(name=NOWHERE),
        "SourceUnreachable",
        ("nowhere:5432", "check the address"),
        attempts=2,
    ),
    BadInput(
        "missing-table",
        lambda spec: _sql(spec).update(query="select * from patiens"),
        "QueryRefused",
        ("patiens", "does not exist", "query"),
    ),
    BadInput(
        "empty-data",
        lambda spec: _sql(spec).update(query="select * from patients where age > 200"),
        "NoRows",
        ("no rows", "query"),
    ),
    BadInput("nan-target", lambda spec: spec["data"].pop("rows"), "TargetMissing", ("1 of 304", "dropMissing")),
    BadInput("unknown-parameter", _parameter, "ParameterUnknown", ("neighbours", "n_neighbors")),
)
