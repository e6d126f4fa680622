"""The model card: what a model is, what it was made of, how good it is, and what it is not known to be good for.

It is made from the run's ledger, and the report on the data where there is one. The ledger carries the times; nothing
else does, so that the same documents give the same bytes.
"""

import json
from collections.abc import Sequence

from evermodel.artifact.signature import ColumnSignature, Signature
from evermodel.data.eda_document import ColumnReport, Eda
from evermodel.data.eda_page import flag_boxes
from evermodel.page import (
    Child,
    bar,
    count,
    digest,
    element,
    facts,
    join,
    name,
    number,
    page,
    score,
    seconds,
    section,
    sorted_by,
    sparkline,
    stack,
    table,
    warning,
)
from evermodel.training.card_choice import choice_body
from evermodel.training.card_limits import limits, objective
from evermodel.training.card_scores import costs_body, gates_body, scores_body, slices_body
from evermodel.training.ledger import Ledger

_OUTCOMES = {"Succeeded": ("good", "good"), "Refused": ("high", "no"), "Skipped": ("low", "")}
_LEVELS = 12


def card_page(ledger: Ledger, eda: Eda | None) -> str:
    """The card as one page.

    Args:
        ledger: everything that the run measured.
        eda: the report on its rows; without it the card has no pictures of features and no warnings about the data.
    """
    signature = Signature.model_validate(ledger.signature) if ledger.signature else None
    limited = [element("li", sentence) for sentence in limits(ledger, signature, eda)]
    parts: list[tuple[str, str, list[Child]]] = [
        ("for", "What it is for", _purpose(ledger, signature, eda)),
        ("scores", "How good it is", scores_body(ledger)),
        ("slices", "On parts of the rows", slices_body(ledger)),
        ("gates", "Gates", gates_body(ledger)),
        ("limits", "Limits of use", [element("ul", *limited, class_="plain")]),
        ("data", "Data", _data(ledger, eda)),
        ("choice", "How it was chosen", [*choice_body(ledger), *_notes(ledger)]),
        ("costs", "What it costs", costs_body(ledger)),
        ("again", "How to make it again", _again(ledger)),
    ]
    links = element("nav", *(element("a", heading, href=f"#{anchor}") for anchor, heading, _ in parts))
    sections = [section(heading, *body, anchor=anchor) for anchor, heading, body in parts]
    return page(f"Model card: {ledger.version or ledger.training}", *_head(ledger), links, *sections)


def _notes(ledger: Ledger) -> list[Child]:
    """What the library warned of when the model was fitted, and why it has no ONNX form."""
    if not ledger.notes:
        return []
    return [
        element("h3", "What was told while it was fitted"),
        element("ul", *(element("li", n) for n in ledger.notes)),
    ]


def _head(ledger: Ledger) -> list[Child]:
    strength, chip = _OUTCOMES.get(ledger.outcome, ("low", ""))
    made = element("p", ledger.estimator or "A model", " that answers ", name(ledger.target), class_="lead")
    first = objective(ledger)
    listed: list[tuple[str, Child]] = []
    if first in ledger.metrics:
        listed.append((f"{first} on the test rows", score(ledger.metrics[first])))
        if first in ledger.intervals:
            low, high = ledger.intervals[first]
            listed.append(("95 % interval", f"{score(low)} to {score(high)}"))
    listed += [
        ("run", f"{ledger.training} {ledger.run}"),
        ("rows were read", ledger.as_of.strftime("%Y-%m-%d %H:%M UTC")),
        ("because", f"{ledger.cause.reason} ({ledger.cause.by})"),
    ]
    title = element("h1", ledger.version or f"{ledger.training}, run {ledger.run}")
    outcome = element("p", element("span", ledger.outcome, class_=f"chip {chip}"))
    return [title, made, outcome, warning(strength, ledger.message), facts(listed)]


def _purpose(ledger: Ledger, signature: Signature | None, eda: Eda | None) -> list[Child]:
    what = "one of its classes, with a probability for each" if ledger.task == "Classification" else "a number"
    words = join(
        [f"{ledger.task}: it answers {what}, for ", name(ledger.target), f", from {len(ledger.features)} columns."]
    )
    if signature is None:
        return [element("p", words)]
    classes = ", ".join(json.dumps(label, ensure_ascii=False) for label in signature.classes)
    reports = {column.name: column for column in eda.columns} if eda else {}
    rows = [_feature(column, reports.get(column.name)) for column in signature.columns]
    heads = ["Column", "Kind", "Seen in training", "Missing in training", "Answers without it"]
    if reports:
        heads += ["Spread", "Says of the target", ""]
    listed = table(
        heads, (row[: len(heads)] for row in rows), numbers=(7,), anchor="features" if len(rows) > 20 else None
    )
    return [element("p", words), element("p", f"Classes: {classes}.") if classes else None, listed]


def _feature(column: ColumnSignature, report: ColumnReport | None) -> list[Child]:
    if column.kind == "number":
        seen = "nothing" if column.min is None else f"{number(column.min)} to {number(column.max)}"
    elif column.format:
        seen = f"{column.levels[0]} to {column.levels[-1]}" if column.levels else "dates"
    else:
        more = f", and {count(len(column.levels) - _LEVELS)} more" if len(column.levels) > _LEVELS else ""
        seen = ", ".join(column.levels[:_LEVELS]) + more
    counts = () if report is None else _counts(report)
    strength = report.relation.strength if report and report.relation else None
    return [
        name(column.name),
        "date" if column.format else column.kind,
        seen,
        "yes" if column.missing else "no",
        "yes" if column.takes_missing else element("span", "no", class_="chip no"),
        sparkline(counts, "Spread") if any(counts) else None,
        None if strength is None else sorted_by(strength, bar(strength, width=80)),
        None if strength is None else sorted_by(strength, f"{strength:.2f}"),
    ]


def _counts(report: ColumnReport) -> Sequence[int]:
    return report.histogram.counts if report.histogram else [level.rows for level in report.levels]


def _data(ledger: Ledger, eda: Eda | None) -> list[Child]:
    data = ledger.data
    dropped = max(data.rows_read - data.rows - data.quarantined, 0)
    parts = [
        (f"training, {count(data.training_rows)}", float(data.training_rows)),
        (f"test, {count(data.test_rows)}", float(data.test_rows)),
        (f"left out by cleaning, {count(dropped)}", float(dropped)),
        (f"quarantined, {count(data.quarantined)}", float(data.quarantined)),
    ]
    split = ledger.spec.get("data", {}).get("split", {})
    kind = split.get("kind") or ("Stratified" if ledger.task == "Classification" else "Random")
    by = f" by {split['by']}" if split.get("by") else ""
    sources = [(one.name, count(one.rows), seconds(one.seconds)) for one in data.sources]
    digests = [(name(column), digest(value)) for column, value in sorted(data.columns.items())]
    body: list[Child] = [
        facts([("rows read", count(data.rows_read)), ("after cleaning", count(data.rows)), ("split", kind + by)]),
        stack([part for part in parts if part[1] > 0], "What became of the rows"),
        table(("Source", "Rows", "Took"), sources, numbers=(1, 2)) if sources else None,
        element("p", "Digest of the rows: ", digest(data.digest)),
        element("p", "They are kept at ", element("code", data.snapshot)) if data.snapshot else None,
    ]
    if digests:
        summary = element("summary", f"Digests of the {count(len(digests))} columns")
        body.append(element("details", summary, table(("Column", "Digest"), digests)))
    if eda is not None:
        body += [
            element("h3", "What the data report found"),
            *flag_boxes([f for f in eda.flags if f.severity != "low"]),
        ]
    return body


def _again(ledger: Ledger) -> list[Child]:
    listed: list[tuple[Child, Child]] = [
        ("Seed", str(ledger.seed)),
        ("Spec", digest(ledger.spec_digest)),
        ("Rows", digest(ledger.data.digest)),
        ("Image", element("code", ledger.image or "none: it ran outside of a cluster")),
    ]
    if ledger.artifact is not None:
        listed += [("Model", digest(ledger.artifact.digest)), ("Kept at", element("code", ledger.artifact.uri))]
    libraries = ledger.environment.get("libraries", {})
    versions = [(key, str(value)) for key, value in sorted(libraries.items())]
    if "python" in ledger.environment:
        versions.insert(0, ("python", str(ledger.environment["python"])))
    words = "The same rows, spec, seed and image give the same model."
    spec = json.dumps(ledger.spec, indent=1, sort_keys=True, ensure_ascii=False)
    return [
        element("p", words),
        table(("What", "Which"), listed),
        element("h3", "Libraries") if versions else None,
        table(("Library", "Version"), versions) if versions else None,
        element("details", element("summary", "The spec, whole"), element("pre", spec)),
    ]
