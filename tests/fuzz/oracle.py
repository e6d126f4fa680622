"""What scikit-learn answers to a request that was answered: read by other code than the server's."""

import json
import re
from typing import Any
from urllib.parse import unquote

import numpy as np
import pandas as pd

from evermodel.artifact.cells import category_text
from evermodel.artifact.signature import ColumnSignature
from tests.fuzz.cases import Case
from tests.unit.evermodel.serving.conftest import MadeModel

TOLERANCE = 1e-9


def rows_of(case: Case, made: MadeModel) -> list[list[Any]]:
    """The cells of an answered request, by row: float or text, None where missing."""
    columns = made.signature.columns
    if case.form == "values":
        texts = case.path.split(b"/")[-2].decode("latin-1").split(",")
        return [[_cell(column, unquote(text), text=True) for column, text in zip(columns, texts, strict=True)]]
    document = json.loads(case.body)
    rows, from_text = _v1(document, made) if case.form == "v1" else _v2(document, made)
    return [
        [_cell(column, cell, text=text) for column, cell, text in zip(columns, row, from_text, strict=True)]
        for row in rows
    ]


def _v1(document: Any, made: MadeModel) -> tuple[list[list[Any]], list[bool]]:
    rows = document["instances"] if "instances" in document else document["inputs"]
    names = made.signature.names
    lists = [[row[name] for name in names] if isinstance(row, dict) else row for row in rows]
    return [row if isinstance(row, list) else [row] for row in lists], [False] * len(names)


def _v2(document: Any, made: MadeModel) -> tuple[list[list[Any]], list[bool]]:
    names, inputs = made.signature.names, document["inputs"]
    if len(inputs) == 1 and (len(inputs[0]["shape"]) > 1 or inputs[0]["name"] not in names):
        count = inputs[0]["shape"][0]
        flat = _flat(inputs[0]["data"])
        width = len(flat) // count
        rows = [flat[width * row : width * (row + 1)] for row in range(count)]
        return rows, [inputs[0]["datatype"] == "BYTES"] * len(names)
    by_name = {item["name"]: item for item in inputs}
    columns = [_flat(by_name[name]["data"]) for name in names]
    return [list(row) for row in zip(*columns, strict=True)], [by_name[n]["datatype"] == "BYTES" for n in names]


def _flat(data: Any) -> list[Any]:
    return [cell for item in data for cell in _flat(item)] if isinstance(data, list) else [data]


def _cell(column: ColumnSignature, value: Any, *, text: bool) -> Any:
    if value is None or (text and value == ""):
        return None
    if column.kind == "number":
        if isinstance(value, str):
            assert text, value
            assert re.fullmatch(r"\s*[-+]?[0-9.]+([eE][-+]?[0-9]+)?\s*", value), value
        assert not isinstance(value, bool)
        return float(value)
    if column.datatype == "BOOL":
        truth = {"true": True, "1": True, "false": False, "0": False}
        found = truth[value.strip().lower()] if isinstance(value, str) else {1: True, 0: False}[value]
        return "true" if found else "false"
    if isinstance(value, str):
        number = value.strip()
        if text and value not in column.levels and re.fullmatch(r"[-+]?[0-9.]+([eE][-+]?[0-9]+)?", number):
            canonical = category_text(float(number))
            return canonical if canonical in column.levels else value
        return value
    return category_text(value)


def expected(made: MadeModel, rows: list[list[Any]]) -> np.ndarray:
    """Values of a regression, shape (rows,), or probabilities, shape (rows, classes); NaN for rows that scikit-learn
    refuses."""
    frame = {}
    for place, column in enumerate(made.signature.columns):
        cells = [row[place] for row in rows]
        if column.kind == "number":
            frame[column.name] = np.array([np.nan if cell is None else cell for cell in cells], dtype=np.float64)
        else:
            frame[column.name] = pd.Series([np.nan if cell is None else cell for cell in cells], dtype=object)
    ask = made.pipeline.predict_proba if made.signature.classes else made.pipeline.predict
    try:
        with np.errstate(all="ignore"):
            return ask(pd.DataFrame(frame))
    except ValueError:
        if len(rows) == 1:
            return np.full((1, len(made.signature.classes)) if made.signature.classes else 1, np.nan)
        return np.concatenate([expected(made, [row]) for row in rows])


def answered(case: Case, made: MadeModel, body: bytes) -> tuple[list[Any], list[Any] | None]:
    """Labels or values, and probabilities (None where they were not asked for), by row, of an answer."""
    document = json.loads(body)
    if case.form == "values":
        return [document["prediction"]], [document["probabilities"]] if "probabilities" in document else None
    if case.form == "v1":
        return document["predictions"], document.get("probabilities")
    outputs = {output["name"]: output for output in document["outputs"]}
    shares = None
    if "predict_proba" in outputs:
        shares = np.array(outputs["predict_proba"]["data"], dtype=float).reshape(outputs["predict_proba"]["shape"])
    return outputs["predict"]["data"] if "predict" in outputs else [], None if shares is None else shares.tolist()


def difference(made: MadeModel, truth: np.ndarray, labels: list[Any], shares: list[Any] | None) -> float:
    """The largest relative difference of an answer from scikit-learn's, 1 where a label is another one."""
    classes, worst = made.signature.classes, 0.0
    if not classes:
        worst = _distance(np.array(labels, dtype=float), truth)
    elif labels:
        best = truth.max(axis=1)
        chosen = truth[np.arange(len(truth)), [classes.index(label) for label in labels]]
        worst = float((best - chosen > TOLERANCE).any())
    return worst if shares is None else max(worst, _distance(np.array(shares, dtype=float), truth))


def _distance(found: np.ndarray, truth: np.ndarray) -> float:
    if found.shape != truth.shape:
        return float("inf")
    both_none = np.isnan(found) & ~np.isfinite(truth)  # JSON has no infinity: it says null
    with np.errstate(all="ignore"):
        apart = np.abs(found - truth) / np.maximum(1.0, np.abs(truth))
    apart[both_none | (found == truth)] = 0.0
    return float(np.nan_to_num(apart, nan=np.inf).max(initial=0.0))
