"""The parts of the model card with numbers: scores, slices, gates, costs."""

from collections.abc import Sequence

from evermodel.page import (
    Child,
    Html,
    count,
    element,
    facts,
    name,
    number,
    score,
    seconds,
    sorted_by,
    stack,
    table,
    whisker,
)
from evermodel.training.card_limits import objective
from evermodel.training.ledger import Ledger, SliceScore
from evermodel_api.training import Metric
from evermodel_api.version import GateVerdict

_UNBOUNDED = frozenset({"rmse", "mae", "mape", "log_loss"})
_COSTS = {"latency_ms": ("one answer takes", "ms"), "size_mb": ("size of the model", "MB")}


def scores_body(ledger: Ledger) -> list[Child]:
    """Metrics on the test rows with their intervals, beside those of the training rows and of cross-validation."""
    if not ledger.metrics:
        return [element("p", "Nothing was measured.")]
    chosen = next((trial for trial in ledger.trials if trial.number == ledger.chosen), None)
    folds = chosen.scores if chosen else {}
    rows = []
    for metric, value in ledger.metrics.items():
        interval = ledger.intervals.get(metric)
        low, high = axis(metric, [value, *(interval or ())])
        told = f"{score(interval[0])} to {score(interval[1])}" if interval else None
        train = ledger.train_metrics.get(metric)
        rows.append(
            (
                element("strong", metric) if metric == objective(ledger) else metric,
                score(value),
                told,
                whisker(value, interval, low, high),
                score(folds.get(metric)),
                score(train),
                _gap(metric, value, train),
            )
        )
    heads = ("Metric", "Test rows", "95 % interval", "", "Cross-validation", "Training rows", "Worse by")
    words = (
        f"Measured on {count(ledger.data.test_rows)} test rows that nothing was fitted on. The interval says where the "
        "value may lie for other rows of the same kind (bootstrap); scores between 0 and 1 are drawn on that axis."
    )
    return [element("p", words, class_="hint"), table(heads, rows, numbers=(1, 2, 4, 5, 6)), _threshold(ledger)]


def axis(metric: str, values: Sequence[float]) -> tuple[float, float]:
    """From where to where a metric is drawn: 0 to 1 where it lies there, else from 0 to a little beyond the largest."""
    if metric in _UNBOUNDED:
        return 0.0, 1.1 * max([*values, 0.0]) or 1.0
    return min(0.0, *values), 1.0


def _gap(metric: str, test: float, train: float | None) -> str | None:
    """How much worse the test rows are answered than the training rows."""
    if train is None:
        return None
    return score(train - test if Metric(metric).larger_is_better else test - train)


def _threshold(ledger: Ledger) -> Html | None:
    if ledger.threshold is None:
        return None
    words = f"The second class is answered from a probability of {score(ledger.threshold)} on, instead of 0.5."
    return element("p", words)


def slices_body(ledger: Ledger) -> list[Child]:
    """Metrics on slices, those of one feature together."""
    if not ledger.slices:
        return [element("p", "No slices were measured (validation.slices).")]
    metrics = list(dict.fromkeys(metric for one in ledger.slices for metric in one.scores))
    first = objective(ledger)
    bounds = [one.scores[first] for one in ledger.slices if first in one.scores] if first else []
    rows = [_slice_row(one, metrics, first, bounds) for one in ledger.slices]
    whole = [ledger.metrics.get(metric) for metric in metrics]
    rows.append([element("i", "all test rows"), None, count(ledger.data.test_rows), *map(score, whole), None])
    heads = ("Feature", "Slice", "Rows", *metrics, "" if first is None else first)
    return [table(heads, rows, numbers=range(2, 3 + len(metrics)))]


def _slice_row(one: SliceScore, metrics: Sequence[str], first: str | None, bounds: Sequence[float]) -> list[Child]:
    drawn: Child = None
    if not one.judged:
        drawn = element("span", "too few rows", class_="chip")
    elif first in one.scores and first is not None:
        low, high = axis(first, bounds)
        drawn = whisker(one.scores[first], None, low, high)
    scores = [sorted_by(one.scores[m], score(one.scores[m])) if m in one.scores else score(None) for m in metrics]
    return [name(one.by), name(one.level), count(one.rows), *scores, drawn]


def gates_body(ledger: Ledger) -> list[Child]:
    """What had to hold before the version may serve, and whether it did."""
    if not ledger.gates:
        return [element("p", "The spec names no gates: every model that can be made may serve.")]
    met = f"The champion was {ledger.champion}." if ledger.champion else "There was no champion to meet."
    rows = [_gate_row(verdict) for verdict in ledger.gates]
    heads = ("Gate", "Slice that decided", "Value", "Limit", "Champion", "Difference", "")
    return [element("p", met), table(heads, rows, numbers=(2, 3, 4, 5))]


def _gate_row(verdict: GateVerdict) -> Sequence[Child]:
    chip = ("yes", "holds") if verdict.passed else ("no", "does not hold")
    return (
        f"{verdict.metric} {verdict.rule}",
        name(verdict.slice) if verdict.slice else None,
        verdict.value,
        verdict.limit,
        verdict.champion,
        verdict.interval,
        element("span", chip[1], class_=f"chip {chip[0]}"),
    )


def costs_body(ledger: Ledger) -> list[Child]:
    """What an answer costs, and what the run did."""
    listed: list[tuple[str, Child]] = [
        (title, f"{number(ledger.costs[key])} {unit}") for key, (title, unit) in _COSTS.items() if key in ledger.costs
    ]
    if "onnx_difference" in ledger.costs:
        listed.append(("ONNX differs by at most", number(ledger.costs["onnx_difference"])))
    listed += [
        ("the run took", seconds(ledger.seconds)),
        ("CPU time", seconds(ledger.cpu_seconds)),
        ("peak memory", f"{number(round(ledger.peak_memory_mb))} MB"),
    ]
    phases = [(f"{phase}, {seconds(took)}", took) for phase, took in ledger.phases.items() if took > 0]
    return [facts(listed), stack(phases, "Time by phase")]
