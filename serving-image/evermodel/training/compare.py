"""What differs between runs: spec, data, libraries, parameters, scores, time. Pure: ledgers in, a document out."""

import json
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any

from evermodel.training.ledger import Ledger
from evermodel.training.memory import fold_score, objective_of
from evermodel_api.base import Schema
from evermodel_api.training import Metric


class Difference(Schema):
    """Something that is not the same in all runs."""

    where: str
    """Path of the field, or name of what is compared."""
    values: list[Any]
    """Its value in each run; None where it has none."""


class MetricLine(Schema):
    """One metric in each run."""

    metric: str
    """Its name."""
    larger_is_better: bool
    """Whether a larger value means a better model."""
    values: list[float | None]
    """On the test rows of each run."""
    intervals: list[tuple[float, float] | None]
    """95 % interval of each; empty where there are none."""
    differences: list[float | None]
    """To the first run."""


class Comparison(Schema):
    """What differs between runs. Each list of values has one for each run."""

    runs: list[str]
    """Names of the runs."""
    outcomes: list[str]
    """How they ended."""
    algorithms: list[str | None]
    """What won."""
    objectives: list[str]
    """The metric that chose."""
    same_data: bool
    """Whether all read the same rows."""
    same_spec: bool
    """Whether all ran the same spec."""
    same_test_rows: bool
    """Whether scores were measured on the same rows: same data, same split, same seed."""
    spec: list[Difference]
    """Fields of the spec."""
    data: list[Difference]
    """Digests and numbers of rows."""
    columns: list[Difference]
    """Columns whose content differs: their digests."""
    libraries: list[Difference]
    """Python, libraries and image."""
    parameters: list[Difference]
    """Of the model that won."""
    metrics: list[MetricLine]
    """On the test rows."""
    folds: MetricLine | None
    """The metric that chose, mean over the folds; None when the runs chose by different ones, or had no choice."""
    costs: list[MetricLine]
    """Latency, size, difference of the ONNX form."""
    gates: list[Difference]
    """Verdicts that differ."""
    timings: list[Difference]
    """Seconds in all, CPU seconds, memory, and each phase."""


def compare_ledgers(ledgers: Sequence[Ledger]) -> Comparison:
    """What differs between two runs or more; scores are compared to the first."""
    spec = list(spec_differences([ledger.spec for ledger in ledgers]))
    digests = {ledger.data.digest for ledger in ledgers}
    moved = any(line.where == "run.seed" or line.where.startswith("data.split") for line in spec)
    return Comparison(
        runs=[f"{ledger.training}-{ledger.run}" for ledger in ledgers],
        outcomes=[ledger.outcome for ledger in ledgers],
        algorithms=[ledger.algorithm for ledger in ledgers],
        objectives=[objective_of(ledger) for ledger in ledgers],
        same_data=len(digests) == 1,
        same_spec=not spec,
        same_test_rows=len(digests) == 1 and not moved and len({ledger.target for ledger in ledgers}) == 1,
        spec=spec,
        data=differences([_data(ledger) for ledger in ledgers]),
        columns=differences([dict(ledger.data.columns) for ledger in ledgers]),
        libraries=differences([_environment(ledger) for ledger in ledgers]),
        parameters=differences(
            [{"algorithm": ledger.algorithm, "estimator": ledger.estimator, **ledger.params} for ledger in ledgers]
        ),
        metrics=_lines(ledgers, lambda ledger: ledger.metrics),
        folds=_fold_line(ledgers),
        costs=_lines(ledgers, lambda ledger: ledger.costs),
        gates=differences([_gates(ledger) for ledger in ledgers]),
        timings=_timings(ledgers),
    )


def spec_differences(specs: Sequence[Any], path: str = "") -> Iterator[Difference]:
    """Fields that are not the same in all specs, by their path.

    Items of lists are known by what they are (`_label`) and not by their place, so that one that is put in front moves
    none; their order is told where it is all that changed.
    """
    if all(isinstance(spec, dict) for spec in specs):
        for key in dict.fromkeys(key for spec in specs for key in spec):
            yield from spec_differences([spec.get(key) for spec in specs], f"{path}.{key}" if path else str(key))
    elif all(map(_is_list_of_objects, specs)):
        items = [_labelled(spec) for spec in specs]
        for label in dict.fromkeys(label for item in items for label in item):
            yield from spec_differences([item.get(label) for item in items], f"{path}[{label}]")
        orders = [list(item) for item in items]
        if len({tuple(sorted(order)) for order in orders}) == 1 and len(set(map(tuple, orders))) > 1:
            yield Difference(where=f"{path} (order)", values=orders)
    elif len(set(map(_canonical, specs))) > 1:
        yield Difference(where=path, values=list(specs))


def _is_list_of_objects(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


def _labelled(items: list[dict[str, Any]]) -> dict[str, Any]:
    """Items by what they are; a second one of the same kind is `dedupe #2`."""
    named: dict[str, Any] = {}
    for item in items:
        label, content = _label(item)
        free = next(name for name in _numbered(label) if name not in named)
        named[free] = content
    return named


def _numbered(label: str) -> Iterator[str]:
    yield label
    for number in count(2):
        yield f"{label} #{number}"


def _label(item: dict[str, Any]) -> tuple[str, Any]:
    """What an item of a list is called, and what it says: its name, its metric, or the one thing that it does."""
    if "name" in item:
        return str(item["name"]), item
    if "metric" in item:
        rule = item.get("rule") or next((key for key in ("min", "max", "maxDrop") if key in item), "")
        by = f" by {item['by']}" if item.get("by") else ""
        return f"{item['metric']} {rule}{by}".rstrip(), item
    if len(item) == 1:
        step, inside = next(iter(item.items()))
        out = inside.get("out") if isinstance(inside, dict) else None
        return f"{step} {out}" if out else step, inside
    return next(iter(item), "item"), item


def differences(documents: Sequence[dict[str, Any]]) -> list[Difference]:
    """Keys whose values are not all the same, in the order in which they first appear."""
    keys = dict.fromkeys(key for document in documents for key in document)
    found = [Difference(where=key, values=[document.get(key) for document in documents]) for key in keys]
    return [line for line in found if len(set(map(_canonical, line.values))) > 1]


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def _data(ledger: Ledger) -> dict[str, Any]:
    data = ledger.data
    counts = {
        "digest": data.digest,
        "rows read": data.rows_read,
        "rows": data.rows,
        "quarantined": data.quarantined,
        "training rows": data.training_rows,
        "test rows": data.test_rows,
    }
    return counts | {f"source {source.name} rows": source.rows for source in data.sources}


def _environment(ledger: Ledger) -> dict[str, Any]:
    libraries = ledger.environment.get("libraries")
    known = {
        "image": ledger.image,
        **{name: which for name, which in ledger.environment.items() if name != "libraries"},
    }
    return known | (libraries if isinstance(libraries, dict) else {})


def _gates(ledger: Ledger) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for gate in ledger.gates:
        name = " ".join(part for part in (gate.metric, gate.rule, gate.slice) if part)
        found[name] = f"{'holds' if gate.passed else 'refuses'}: {gate.value}, limit {gate.limit}"
    return found


def _lines(ledgers: Sequence[Ledger], scores: Callable[[Ledger], dict[str, float]]) -> list[MetricLine]:
    names = dict.fromkeys(name for ledger in ledgers for name in scores(ledger))
    return [_line(name, [scores(ledger).get(name) for ledger in ledgers], ledgers) for name in names]


def _line(name: str, values: list[float | None], ledgers: Sequence[Ledger]) -> MetricLine:
    first = values[0]
    return MetricLine(
        metric=name,
        larger_is_better=name in set(Metric) and Metric(name).larger_is_better,
        values=values,
        intervals=[ledger.intervals.get(name) for ledger in ledgers],
        differences=[None if value is None or first is None else value - first for value in values],
    )


def _fold_line(ledgers: Sequence[Ledger]) -> MetricLine | None:
    objectives = {objective_of(ledger) for ledger in ledgers}
    values = [fold_score(ledger) for ledger in ledgers]
    if len(objectives) != 1 or all(value is None for value in values):
        return None
    return _line(objectives.pop(), values, []).model_copy(update={"intervals": []})


def _timings(ledgers: Sequence[Ledger]) -> list[Difference]:
    totals: list[tuple[str, Callable[[Ledger], float | None]]] = [
        ("seconds", lambda ledger: ledger.seconds),
        ("CPU seconds", lambda ledger: ledger.cpu_seconds),
        ("peak memory, MB", lambda ledger: ledger.peak_memory_mb),
        ("trials", lambda ledger: float(len(ledger.trials)) or None),
    ]
    phases = dict.fromkeys(name for ledger in ledgers for name in ledger.phases)
    lines = [Difference(where=name, values=[value(ledger) for ledger in ledgers]) for name, value in totals]
    return lines + [
        Difference(where=f"phase {name}", values=[ledger.phases.get(name) for ledger in ledgers]) for name in phases
    ]
