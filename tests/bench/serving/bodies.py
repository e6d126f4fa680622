"""Requests and answers in the form of each server. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Rows:
    """Rows with the answers that scikit-learn gives."""

    columns: list[str]
    rows: list[list[Any]]
    labels: list[int]

    def first(self, count: int) -> Rows:
        """The first of them."""
        return Rows(self.columns, self.rows[:count], self.labels[:count])

    @property
    def has_texts(self) -> bool:
        """Whether a column is of text, so that servers want names."""
        return any(isinstance(cell, str) for cell in self.rows[0])


def tensor(rows: Rows) -> bytes:
    """The Open Inference Protocol: one tensor, or one for each column of a table with texts."""
    if rows.has_texts:
        return json.dumps({"parameters": {"content_type": "pd"}, "inputs": _columns(rows)}).encode()
    flat = [cell for row in rows.rows for cell in row]
    shape = [len(rows.rows), len(rows.columns)]
    return json.dumps({"inputs": [{"name": "predict", "shape": shape, "datatype": "FP64", "data": flat}]}).encode()


def _columns(rows: Rows) -> list[dict[str, Any]]:
    made = []
    for place, name in enumerate(rows.columns):
        data = [row[place] for row in rows.rows]
        text = any(isinstance(cell, str) for cell in data)
        column: dict[str, Any] = {"name": name, "shape": [len(data)], "datatype": "BYTES" if text else "FP64"}
        # MLServer hands on bytes unless it is told that they are text.
        made.append({**column, **({"parameters": {"content_type": "str"}} if text else {}), "data": data})
    return made


def instances(rows: Rows) -> bytes:
    """Rows as lists, or as objects by column of a table with texts."""
    if not rows.has_texts:
        return json.dumps({"instances": rows.rows}).encode()
    named = [dict(zip(rows.columns, row, strict=True)) for row in rows.rows]
    return json.dumps({"instances": named}).encode()


def scoring(rows: Rows) -> bytes:
    """What MLflow's scoring server takes."""
    if not rows.has_texts:
        return json.dumps({"inputs": rows.rows}).encode()
    return json.dumps({"dataframe_split": {"columns": rows.columns, "data": rows.rows}}).encode()


def labels(answer: Any) -> list[int]:
    """The answers in what a server sent.

    >>> labels({"outputs": [{"name": "predict", "data": [[1], [0]]}]}), labels({"predictions": [1]}), labels([0])
    ([1, 0], [1], [0])
    """
    if isinstance(answer, dict) and "outputs" in answer:
        named = {output["name"]: output["data"] for output in answer["outputs"]}
        answer = named.get("predict", answer["outputs"][0]["data"])
    elif isinstance(answer, dict):
        answer = answer["predictions"]
    return [int(item[0] if isinstance(item, list) else item) for item in answer]
