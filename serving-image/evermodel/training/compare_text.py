"""A comparison of runs, for terminals."""

from collections.abc import Sequence
from typing import Any

from evermodel.training.compare import Comparison, Difference, MetricLine
from evermodel.training.text import (
    WIDTH,
    Column,
    Paint,
    cut,
    printable,
    score_text,
    seconds_text,
    short_digest,
    table,
    value_text,
    wrapped,
)

_AT_ONCE = 4
"""Runs beside each other in a table; further ones get a table of their own."""


def comparison_text(comparison: Comparison, paint: Paint) -> list[str]:
    """Lines: what is the same first, then the differences."""
    parts: list[tuple[str, list[str]]] = [
        ("Scores on the test rows", _metrics(comparison, comparison.metrics, paint)),
        ("Mean over the folds", _metrics(comparison, [comparison.folds] if comparison.folds else [], paint)),
        ("Costs", _metrics(comparison, comparison.costs, paint)),
        ("Gates", _differences(comparison, comparison.gates)),
        ("Spec", _differences(comparison, comparison.spec)),
        ("Data", _differences(comparison, comparison.data)),
        ("Columns whose content differs", _differences(comparison, comparison.columns, digests=True)),
        ("Parameters of the model", _differences(comparison, comparison.parameters)),
        ("Libraries and image", _differences(comparison, comparison.libraries)),
        ("Time and memory", _timings(comparison, paint)),
    ]
    lines = [*(paint(line, "bold") for line in wrapped(listed(comparison.runs), 0)), *summary(comparison)]
    for title, content in parts:
        if content:
            lines += ["", paint(title, "bold"), *content]
    return lines


def listed(names: Sequence[str]) -> str:
    """Names in a sentence.

    >>> listed(["heart-1", "heart-2", "heart-3"])
    'heart-1, heart-2 and heart-3'
    """
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def summary(comparison: Comparison) -> list[str]:
    """What is the same and what is not, in sentences."""
    columns = f", in {_count(len(comparison.columns), 'column')}" if comparison.columns else ""
    fields = _count(len(comparison.spec), "field")
    return [
        "The data is the same." if comparison.same_data else f"The data differs{columns}.",
        "The spec is the same." if comparison.same_spec else f"The spec differs, in {fields}.",
        "Scores were measured on the same rows."
        if comparison.same_test_rows
        else "Scores were measured on different rows: small differences may be chance.",
    ]


def _count(count: int, thing: str) -> str:
    return f"{count} {thing}{'' if count == 1 else 's'}"


def _blocks(count: int) -> list[list[int]]:
    """Numbers of the runs that stand beside each other: the first is in every block."""
    others = list(range(1, count))
    return [[0, *others[i : i + _AT_ONCE - 1]] for i in range(0, len(others), _AT_ONCE - 1)]


def _metrics(comparison: Comparison, lines: Sequence[MetricLine], paint: Paint) -> list[str]:
    found: list[str] = []
    if not lines:
        return found
    for block in _blocks(len(comparison.runs)):
        columns = [Column("")]
        for n in block:
            columns += [Column(comparison.runs[n], right=True, shrinks=True), *([Column("")] if n else [])]
        rows = []
        for line in lines:
            cells = [line.metric]
            for n in block:
                cells += [_score(line, n), *([_change(line, n)] if n else [])]
            rows.append(cells)
        found += table(columns, rows, paint, indent=2)
    return found


def _score(line: MetricLine, n: int) -> str:
    return score_text(line.values[n]) or "-"


def _change(line: MetricLine, n: int) -> str:
    """How far from the first run, and whether that is better."""
    change = line.differences[n]
    if change is None:
        return ""
    if change == 0:
        return "same"
    better = (change > 0) == line.larger_is_better
    return f"{'+' if change > 0 else '-'}{score_text(abs(change))} {'better' if better else 'worse'}"


def _differences(comparison: Comparison, lines: Sequence[Difference], *, digests: bool = False) -> list[str]:
    found: list[str] = []
    width = max(map(len, comparison.runs))
    for line in lines:
        values = [short_digest(value) or "-" if digests else _value(line, value) for value in line.values]
        where = f"  {printable(line.where)}"
        short = f"{where}: {' -> '.join(values)}"
        if len(values) == 2 and len(short) <= WIDTH:
            found.append(short)
            continue
        found.append(cut(where, WIDTH))
        for run, value in zip(comparison.runs, values, strict=True):
            first, *rest = wrapped(value, width + 6)
            found += [f"    {run:<{width}}  {first.strip()}", *rest]
    return found


def _value(line: Difference, value: Any) -> str:
    if line.where == "digest":
        return short_digest(value)
    return printable(value_text(value))


def _timings(comparison: Comparison, paint: Paint) -> list[str]:
    found: list[str] = []
    for block in _blocks(len(comparison.runs)):
        columns = [Column(""), *(Column(comparison.runs[n], right=True, shrinks=True) for n in block)]
        rows = [(line.where, *(_amount(line, n) for n in block)) for line in comparison.timings]
        found += table(columns, rows, paint, indent=2)
    return found


def _amount(line: Difference, n: int) -> str:
    value = line.values[n]
    if value is None:
        return "-"
    return f"{value:,.0f}" if line.where.startswith(("trials", "peak")) else seconds_text(value)
