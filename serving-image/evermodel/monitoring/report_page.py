"""The report of one evaluation as a page for people. Made from the document alone, and from the documents before it."""

import json
from collections.abc import Sequence
from typing import Any

from evermodel.page import (
    Child,
    Html,
    bar,
    count,
    digest,
    element,
    facts,
    join,
    name,
    number,
    page,
    percent,
    section,
    sorted_by,
    table,
    trend,
    warning,
)
from evermodel.page.pairs import pairs
from evermodel_api.monitor import State

Document = dict[str, Any]
_STRENGTH = {State.FIRING: "high", State.SUSPECT: "medium", State.HEALTHY: "good"}
_MANY = 20


def report_page(document: Document, earlier: Sequence[Document] = ()) -> str:
    """The page.

    Args:
        document: the report.
        earlier: reports of evaluations before it, oldest first; what they measured is drawn over time.
    """
    monitor = document.get("monitor", "monitor")
    parts: list[tuple[str, str, list[Child]]] = [
        ("decision", "What was decided", _decision(document)),
        ("columns", "Inputs, against the training data", _columns(document)),
        ("pictures", "How far", _pictures(document)),
        ("answers", "Answers, against the truth", _answers(document, earlier)),
        ("data", "Checks of the data", _quality(document)),
        ("inputs", "What this was computed from", _inputs(document)),
    ]
    parts = [part for part in parts if part[2]]
    links = element("nav", *(element("a", heading, href=f"#{anchor}") for anchor, heading, _ in parts))
    state = document["state"]
    title = f"{monitor}: {document['version']} at {document['at']}"
    head = element(
        "header",
        element("h1", monitor, ": ", document["version"]),
        element("p", element("span", state, class_=f"chip {_STRENGTH.get(State(state), '')}")),
        element("p", document["message"], class_="lead"),
        _overview(document),
        links,
    )
    return page(title, head, *(section(heading, *body, anchor=anchor) for anchor, heading, body in parts))


def _overview(document: Document) -> Html:
    window = document["window"]
    span = f"{window['from']} to {window['to']}" if window["from"] else "a file"
    looked = count(window["rows"])
    seen = looked if window["seen"] == window["rows"] else f"{looked} of {count(window['seen'])}"
    return facts(
        [
            ("looked at", document["at"]),
            ("window", span),
            ("rows", seen),
            ("with labels", percent(window["labelCoverage"])),
            ("rows in the reference", count(document["reference"]["rows"])),
        ]
    )


def _decision(document: Document) -> list[Child]:
    decided = document["decision"]
    done = [
        *(["An alert begins."] if decided["alert"] else []),
        *([f"A retraining is asked for, because of {decided['cause']}."] if decided["retrain"] else []),
        *([f"The retraining before came to this: {decided['ended']}."] if decided.get("ended") else []),
    ]
    votes = document["memory"].get("votes", [])
    said = [", ".join(vote) if vote else "nothing" for vote in votes]
    strength = _STRENGTH.get(State(document["state"]), "low")
    return [
        warning(strength, document["state"], element("p", decided["reason"]), *(element("p", line) for line in done)),
        element("p", "The last evaluations found, oldest first: ", "; ".join(said), ".") if said else None,
    ]


def _columns(document: Document) -> list[Child]:
    answers = document.get("prediction")
    rows = [_column(found) for found in [*([answers] if answers else []), *document["columns"]]]
    if not rows:
        return []
    dataset = document["dataset"]
    heads = ["Column", "Test", "p, corrected", "Measure", "Effect", "Limit", "Effect of limit", ""]
    words = (
        f"{percent(dataset['share'])} of {count(dataset['judged'])} columns drifted; the data set counts as drifted "
        f"from {percent(dataset['limit'])} on. A column drifts when the corrected p and the effect both say so."
    )
    listed = table(heads, rows, numbers=(2, 4, 5), anchor="drift" if len(rows) > _MANY else None)
    return [element("p", words), listed]


def _column(found: Document) -> list[Child]:
    effect, limit = found["effect"], found["limit"]
    times = 0.0 if effect is None or not limit else effect / limit
    return [
        name(found["column"]),
        found["test"],
        _measured(found["pCorrected"]),
        found["measure"],
        _measured(effect),
        number(limit),
        sorted_by(times, bar(times / 4, 1 if found["drifted"] else 0, width=80)),
        element("span", "drifted", class_="chip no") if found["drifted"] else None,
    ]


def _measured(value: float | None) -> Child:
    return sorted_by(-1.0 if value is None else value, number(value))


def _pictures(document: Document) -> list[Child]:
    shown = document.get("distributions") or []
    drawn = [
        element("figure", element("figcaption", name(d["column"])), pairs(d["reference"], d["current"], d["bins"]))
        for d in shown
    ]
    if not drawn:
        return []
    words = "Share of the rows in each bin: grey in the training data, coloured in the window. Ends are open."
    return [element("p", words, class_="hint"), element("div", *drawn, class_="sides")]


def _answers(document: Document, earlier: Sequence[Document]) -> list[Child]:
    return [*_measured_answers(document, earlier), *_estimated_answers(document), *_concept(document)]


def _estimated_answers(document: Document) -> list[Child]:
    rows = [
        [
            each["metric"],
            _measured(each["value"]),
            _measured(each["low"]),
            _measured(each["high"]),
            number(each["limit"]),
        ]
        for each in document.get("estimates") or []
    ]
    words = "Too few rows have a label, so performance was estimated. An estimate is blind to concept drift."
    heads = ["Metric", "Estimate", "From", "To", "Limit"]
    return [element("p", words), table(heads, rows, numbers=(1, 2, 3, 4))] if rows else []


def _concept(document: Document) -> list[Child]:
    found = document["concept"]
    if not found["drift"]:
        return []
    since = f", since {found['since']}" if found["since"] else ""
    errors = element("p", f"Mean error {number(found['before'])} before, {number(found['after'])} after{since}.")
    return [warning("high", "Errors became more within the window", errors)]


def _measured_answers(document: Document, earlier: Sequence[Document]) -> list[Child]:
    found = document["performance"]
    if not found:
        return []
    heads = ["Metric", "Now", "On the test rows of the training", "Limit", "Labelled rows", ""]
    rows = [
        [
            metric["metric"],
            _measured(metric["value"]),
            _measured(metric["reference"]),
            _measured(metric["limit"]),
            count(metric["rows"]),
            _chip(metric),
        ]
        for metric in found
    ]
    curves = [_curve(metric["metric"], [*earlier, document]) for metric in found]
    return [table(heads, rows, numbers=(1, 2, 3, 4)), element("div", *curves, class_="sides")]


def _chip(metric: Document) -> Html:
    if not metric["judged"]:
        return element("span", "not judged", class_="chip")
    word, kind = ("beyond its limit", "no") if metric["degraded"] else ("within its limit", "yes")
    return element("span", word, class_=f"chip {kind}")


def _curve(metric: str, documents: Sequence[Document]) -> Html | None:
    values = [
        next((m["value"] for m in one["performance"] if m["metric"] == metric and m["judged"]), None)
        for one in documents
    ]
    if sum(value is not None for value in values) < 2:
        return None
    words = f"{metric} over the last {len(values)} evaluations"
    return element("figure", element("figcaption", words), trend(values, words))


def _quality(document: Document) -> list[Child]:
    checks = document["quality"]
    if not checks:
        return []
    failed = sum(not check["passed"] for check in checks)
    heads = ["Check", "Column", "Found", "Allowed", ""]
    rows = [
        [
            check["check"],
            name(check["column"]),
            _measured(check["value"]),
            number(check["limit"]),
            None if check["passed"] else element("span", "failed", class_="chip no"),
        ]
        for check in sorted(checks, key=lambda check: check["passed"])
    ]
    words = f"{count(failed)} of {count(len(checks))} checks failed. Bad data never trains a model."
    return [element("p", words), table(heads, rows, numbers=(2, 3), anchor="quality" if len(rows) > _MANY else None)]


def _inputs(document: Document) -> list[Child]:
    rows: list[list[Child]] = [["reference", document["reference"]["version"], digest(document["reference"]["digest"])]]
    for key, value in sorted(document["inputs"].items()):
        if isinstance(value, dict):
            said = ", ".join(f"{k} {v}" for k, v in value.items() if k != "digest" and not isinstance(v, list))
            rows.append([key, said, digest(value.get("digest"))])
        else:
            rows.append([key, None, digest(str(value))])
    command = element("code", "evermodel monitor verify REPORT.json")
    whole = element("pre", json.dumps(document["decision"], indent=2, sort_keys=True, ensure_ascii=False))
    return [
        table(["What", "", "sha256"], rows),
        element("p", join([command, " computes this report again from the same bytes, and compares."])),
        element("details", element("summary", "The decision, as programs read it"), whole),
    ]
