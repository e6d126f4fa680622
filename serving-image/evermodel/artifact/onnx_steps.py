"""The steps before the estimator as ONNX: stateless columns, the branches of the ColumnTransformer, the selection.

Everything is computed in double precision, as scikit-learn does. Categories become numbers by tables: the fitted
encoder itself is asked what it makes of each level, of a missing value and of a level that it never saw.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from onnx import TensorProto

from evermodel.artifact.onnx_convert import NotConvertibleError, add_converted
from evermodel.artifact.onnx_graph import MISSING, Graph

_ENCODERS = ("OneHotEncoder", "OrdinalEncoder", "TargetEncoder")
_UNSEEN = "\x00never seen"
"""A level that no data have."""
_NAN = np.array(np.nan)


@dataclass(frozen=True)
class Column:
    """A column in the graph."""

    tensor: str
    """Of shape (rows, 1): double, or text."""
    text: bool


def add_prepare(graph: Graph, steps: Sequence[Mapping[str, Any]], columns: Mapping[str, Column]) -> dict[str, Column]:
    """The columns, and those that `artifact.prepare` adds to them.

    Raises:
        NotConvertibleError: for dates, which ONNX cannot read.
    """
    known = dict(columns)
    for step in steps:
        for kind, arguments in step.items():
            if kind in {"dateParts", "elapsed"}:
                raise NotConvertibleError(f"pipeline.prepare reads dates ({kind}), and ONNX cannot")
            known[arguments["out"]] = Column(_prepared(graph, kind, arguments["of"], known), text=False)
    return known


def _prepared(graph: Graph, kind: str, of: Any, known: Mapping[str, Column]) -> str:
    if kind == "isMissing":
        return graph.cast(_is_missing(graph, known[of]), TensorProto.DOUBLE)
    nan = graph.constant(_NAN)
    if kind == "log":
        value = known[of].tensor
        inside = graph.add("Greater", value, graph.constant(np.array(-1.0)))
        return graph.add("Where", inside, graph.add("Log", graph.add("Add", value, graph.constant(np.array(1.0)))), nan)
    first, second = (known[name].tensor for name in of)
    result = graph.add({"ratio": "Div", "difference": "Sub", "product": "Mul"}[kind], first, second)
    # onnxruntime tells infinite doubles by comparing: |x| > the largest number
    infinite = graph.add("Greater", graph.add("Abs", result), graph.constant(np.array(np.finfo(np.float64).max)))
    return graph.add("Where", infinite, nan, result)


def _is_missing(graph: Graph, column: Column) -> str:
    if column.text:
        # texts can be compared from opset 19 on; looking them up works in all
        found = graph.add(
            "LabelEncoder",
            column.tensor,
            domain="ai.onnx.ml",
            keys_strings=[MISSING],
            values_int64s=[1],
            default_int64=0,
        )
        return graph.cast(found, TensorProto.BOOL)
    return graph.add("IsNaN", column.tensor)


def add_branches(graph: Graph, transformer: Any, columns: Mapping[str, Column], frame: pd.DataFrame) -> str:
    """A fitted ColumnTransformer as a tensor of shape (rows, columns).

    Args:
        graph: where.
        transformer: fitted, without a remainder, each branch a Pipeline.
        columns: what is there.
        frame: rows that its steps are tried on.

    Raises:
        NotConvertibleError: naming what has no form in ONNX.
    """
    parts: list[str] = []
    for _, branch, names in transformer.transformers_:
        if isinstance(branch, str) or not list(names):
            continue  # the remainder, which is dropped, and a branch without columns
        kinds = {columns[name].text for name in names}
        if len(kinds) > 1:
            raise NotConvertibleError(f"a branch takes text and numbers at once ({', '.join(names)})")
        add = _add_text_branch if kinds.pop() else _add_number_branch
        parts.append(add(graph, branch, [columns[name] for name in names], frame[list(names)]))
    return graph.side_by_side(parts)


def _add_number_branch(graph: Graph, branch: Any, columns: Sequence[Column], rows: pd.DataFrame) -> str:
    tensor = graph.side_by_side([column.tensor for column in columns])
    return add_steps(graph, [step for _, step in branch.steps], tensor, rows.to_numpy(dtype=np.float64))


def _add_text_branch(graph: Graph, branch: Any, columns: Sequence[Column], rows: pd.DataFrame) -> str:
    steps = [step for _, step in branch.steps]
    place = next((i for i, step in enumerate(steps) if type(step).__name__ in _ENCODERS), None)
    if place is None or any(type(step).__name__ != "SimpleImputer" for step in steps[:place]):
        raise NotConvertibleError("a branch of text does more before its encoder than filling gaps")
    encoder = steps[place]
    if getattr(encoder, "handle_unknown", "") == "error":
        raise NotConvertibleError("its encoder refuses levels that it never saw, and ONNX cannot refuse a row")
    if any(step.add_indicator for step in steps[:place]):
        raise NotConvertibleError("a SimpleImputer of text also adds indicators")
    encode = branch[: place + 1].transform
    tensor = _add_tables(graph, encode, encoder.categories_, columns, list(rows.columns))
    return add_steps(graph, steps[place + 1 :], tensor, np.asarray(encode(rows), dtype=np.float64))


def _add_tables(
    graph: Graph, encode: Any, levels: Sequence[NDArray[Any]], columns: Sequence[Column], names: list[str]
) -> str:
    """What an encoder makes of columns of text: each number of it follows from one column alone.

    So the whole is what it makes of rows of unseen levels, plus what each column's own level changes in it.
    """
    nothing = [_UNSEEN] * len(columns)
    base = np.asarray(encode(_row_frame([nothing], names)), dtype=np.float64)
    total = ""
    for place, (column, known) in enumerate(zip(columns, levels, strict=True)):
        texts = [str(level) for level in known if isinstance(level, str)]
        if MISSING in texts:
            raise NotConvertibleError(f"{names[place]!r} has the level '', which stands for a missing value in ONNX")
        rows = [[*nothing[:place], level, *nothing[place + 1 :]] for level in [*texts, np.nan, _UNSEEN]]
        table = np.asarray(encode(_row_frame(rows, names)), dtype=np.float64) - base
        keys = [*texts, MISSING]
        index = graph.add(
            "LabelEncoder",
            column.tensor,
            domain="ai.onnx.ml",
            keys_strings=keys,
            values_int64s=list(range(len(keys))),
            default_int64=len(keys),
        )
        flat = graph.add("Reshape", index, graph.constant(np.array([-1], dtype=np.int64)))
        part = graph.add("Gather", graph.constant(table), flat, axis=0)
        total = graph.add("Add", total, part) if total else graph.add("Add", part, graph.constant(base))
    return total


def _row_frame(rows: list[list[Any]], names: list[str]) -> pd.DataFrame:
    return pd.DataFrame(dict(zip(names, map(_objects, zip(*rows, strict=True)), strict=True)))


def _objects(values: Sequence[Any]) -> NDArray[Any]:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def add_steps(graph: Graph, steps: Sequence[Any], tensor: str, rows: NDArray[np.float64]) -> str:
    """Fitted steps one after another, on a tensor of numbers.

    Raises:
        NotConvertibleError: naming what has no form in ONNX.
    """
    for step in steps:
        wanted = np.asarray(step.transform(rows), dtype=np.float64)
        tensor = _add_step(graph, step, tensor, rows, wanted)
        rows = wanted
    return tensor


def _add_step(graph: Graph, step: Any, tensor: str, rows: NDArray[np.float64], wanted: NDArray[np.float64]) -> str:
    name = type(step).__name__
    if name == "SimpleImputer" and isinstance(step.missing_values, float):
        gaps = step.transform(np.full((1, rows.shape[1]), np.nan))[:, : wanted.shape[1]]
        kept = _kept_by(step)
        values = tensor if len(kept) == rows.shape[1] else graph.columns(tensor, kept)
        filled = graph.add("Where", graph.add("IsNaN", values), graph.constant(gaps[:, : len(kept)]), values)
        return graph.side_by_side([filled, *_indicators(graph, step.indicator_, tensor)])
    if name == "MissingIndicator" and isinstance(step.missing_values, float):
        return graph.side_by_side(_indicators(graph, step, tensor))
    if hasattr(step, "get_support"):
        return graph.columns(tensor, np.asarray(step.get_support(indices=True)))
    return add_converted(graph, step, tensor, rows, wanted)


def _kept_by(imputer: Any) -> NDArray[np.int64]:
    """The columns that an imputer keeps: all, or those that had a value."""
    empty = np.isnan(imputer.statistics_.astype(np.float64))
    kept = np.flatnonzero(~empty) if not imputer.keep_empty_features else np.arange(len(empty))
    return kept.astype(np.int64)


def _indicators(graph: Graph, indicator: Any, tensor: str) -> list[str]:
    if indicator is None or not len(indicator.features_):
        return []
    looked = graph.columns(tensor, np.asarray(indicator.features_, dtype=np.int64))
    return [graph.cast(graph.add("IsNaN", looked), TensorProto.DOUBLE)]
