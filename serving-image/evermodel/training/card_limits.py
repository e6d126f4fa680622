"""What a model is not known to be good for, as sentences that follow from the ledger, the signature and the report."""

from collections.abc import Iterator, Sequence

from evermodel.artifact.signature import ColumnSignature, Signature
from evermodel.data.eda_document import Eda
from evermodel.page import count, number, percent, score
from evermodel.training.ledger import Ledger
from evermodel_api.training import Metric

_FEW_ROWS = 100
_NAMED = 6
_NO_CAUSES = (
    "It found what goes together in the rows, not what causes what: it does not say what happens when somebody changes "
    "a value on purpose."
)


def limits(ledger: Ledger, signature: Signature | None, eda: Eda | None) -> list[str]:
    """The limits of use, those of the rows first."""
    return [
        *_of_inputs(signature.columns if signature else []),
        *_of_test(ledger),
        *_of_slices(ledger),
        *_of_fit(ledger),
        *_of_answers(ledger),
        *_of_data(ledger, eda),
        _NO_CAUSES,
    ]


def objective(ledger: Ledger) -> str | None:
    """The metric that chose, or the first that was measured."""
    if ledger.search is not None:
        return ledger.search.objective
    return next(iter(ledger.metrics), None)


def _of_inputs(columns: Sequence[ColumnSignature]) -> Iterator[str]:
    ranged = [one for one in columns if one.kind == "number" and one.min is not None]
    if ranged:
        some = "; ".join(f"{one.name} below {number(one.min)} or above {number(one.max)}" for one in ranged[:2])
        more = "; and so on" if len(ranged) > 2 else ""
        yield f"Outside the ranges that it saw ({some}{more}) its answers are a guess."
    if any(one.kind == "category" and one.format is None for one in columns):
        yield "Categories that are not listed above were never seen: it answers them like no category at all."
    refused = [one.name for one in columns if not one.takes_missing]
    if refused:
        yield f"It cannot answer a row in which a value of {_named(refused)} is missing."
    untried = [one.name for one in columns if one.takes_missing and not one.missing]
    if untried:
        yield (
            f"No value of {_named(untried)} was missing in training: it answers without them, and nobody has measured "
            "how well."
        )


def _of_test(ledger: Ledger) -> Iterator[str]:
    rows = ledger.data.test_rows
    if rows < _FEW_ROWS:
        yield f"It was measured on {count(rows)} rows only: what it scored may be far from what it will score."
    kind = ledger.spec.get("data", {}).get("split", {}).get("kind")
    if kind == "Time":
        yield "It was tested on the latest rows. How long after them it stays as good is not known."
    elif kind == "Group":
        yield "It was tested on groups that it had not seen, but not on rows of a later time."
    else:
        yield (
            "Its test rows come from the same time and places as its training rows: how it does on later rows, or on "
            "those of another place, was not measured."
        )


def _of_slices(ledger: Ledger) -> Iterator[str]:
    if not ledger.slices:
        yield "It was measured on all rows together: how well it answers for one group of them is not known."
        return
    few = [f"{one.by}={one.level} ({one.rows})" for one in ledger.slices if not one.judged]
    if few:
        yield f"Too few test rows to judge these slices: {_named(few)}."
    first = objective(ledger)
    if first is None or first not in ledger.metrics:
        return
    for one in ledger.slices:
        mine = one.scores.get(first)
        if one.judged and mine is not None and _clearly_worse(first, mine, ledger):
            yield (
                f"It is weaker where {one.by} is {one.level}: {first} {score(mine)} there, "
                f"{score(ledger.metrics[first])} on all test rows."
            )


def _clearly_worse(metric: str, value: float, ledger: Ledger) -> bool:
    """Whether a slice lies beyond the bad end of the interval of all rows."""
    low, high = ledger.intervals.get(metric, (ledger.metrics[metric], ledger.metrics[metric]))
    return value < low if Metric(metric).larger_is_better else value > high


def _of_fit(ledger: Ledger) -> Iterator[str]:
    first = objective(ledger)
    if first in ledger.metrics and first in ledger.train_metrics:
        test, train = ledger.metrics[first], ledger.train_metrics[first]
        low, high = ledger.intervals.get(first, (test, test))
        if train > high if Metric(first).larger_is_better else train < low:
            yield (
                f"It answers the rows it was fitted on better ({first} {score(train)}) than the test rows "
                f"({score(test)}): part of what it learnt is those rows by heart."
            )
    if ledger.search is not None and ledger.search.stopped_by == "Timeout":
        yield "Its search was cut short by the time limit: more trials, or the same again, may find another one."
    if any(not verdict.passed for verdict in ledger.gates):
        yield "It does not hold its gates, so it must not serve."
    if ledger.champion is None:
        yield "It was not compared with another version: there was no champion to meet."


def _of_answers(ledger: Ledger) -> Iterator[str]:
    if ledger.task != "Classification":
        return
    if "calibration" not in ledger.spec.get("validation", {}):
        yield "Its probabilities were not calibrated: of the rows that get 0.8, eight in ten need not be right."
        made = _made_rows(ledger)
        if made:
            yield f"It was fitted on other shares of the classes than there are ({made}), which its probabilities show."
    if ledger.threshold is not None:
        what = ledger.spec.get("validation", {}).get("threshold", {}).get("metric", "f1")
        yield (
            f"It answers the second class from a probability of {score(ledger.threshold)} on, which was chosen for "
            f"{what}: where mistakes cost otherwise, another threshold is better."
        )


def _made_rows(ledger: Ledger) -> str:
    resample = ledger.spec.get("pipeline", {}).get("resample") or {}
    steps = [step.get("augment", {}).get("method") for step in ledger.spec.get("data", {}).get("rows", [])]
    return ", ".join([*resample, *(method for method in steps if method in {"oversample", "undersample"})])


def _of_data(ledger: Ledger, eda: Eda | None) -> Iterator[str]:
    if ledger.data.quarantined:
        rows = "row that was" if ledger.data.quarantined == 1 else "rows that were"
        yield f"The {count(ledger.data.quarantined)} {rows} set aside as wrong, and what is like it, was never seen."
    if eda is None:
        return
    features = set(ledger.features)
    for flag in eda.flags:
        if flag.severity == "high" and features.intersection(flag.columns):
            yield f"The data report warns: {' and '.join(flag.columns)} {flag.sentence}."
    known = sum(one.rows for one in eda.target.classes)
    if eda.target.classes and known and not eda.target.other_classes:
        rarest = min(eda.target.classes, key=lambda one: one.rows)
        if rarest.rows < 0.05 * known:
            yield f"Only {percent(rarest.rows / known)} of the rows are of the class {rarest.name}."


def _named(names: Sequence[str]) -> str:
    rest = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {count(rest)} more" if rest > 0 else "")
