"""What the page says of a model beside its form: its card and its signature."""

from typing import Any

from evermodel.artifact.signature import ColumnSignature
from evermodel.page import Child, Html, element, join, table
from evermodel.serving.registry import Hosted

_SHOWN_LEVELS = 12


def figure(value: float) -> str:
    """A number as people read it: four digits, and whole ones whole.

    >>> figure(0.8777056), figure(2019.0), figure(1234567.0), figure(-0.00012345)
    ('0.8777', '2019', '1234567', '-0.0001234')
    """
    return f"{value:.0f}" if value == round(value) and abs(value) < 1e15 else f"{value:.4g}"


def headline(about: dict[str, Any], identifier: str) -> Html:
    """Name, version, and what it answers."""
    others = [version for version in about["versions"] if version != about["model_version"]]
    also = f"; also here: {', '.join(others)}" if others else ""
    return join(
        [
            element("h1", element("bdi", about["model_name"]), id=identifier),
            element(
                "p",
                f"{about['algorithm']} that answers ",
                element("b", element("bdi", about["target"])),
                f" ({about['task'].lower()}), version ",
                element("b", element("bdi", about["model_version"])),
                also,
                class_="lead",
            ),
        ]
    )


def scores(about: dict[str, Any], hosted: Hosted) -> Html:
    """What it scored on its test rows, with intervals where they were measured."""
    evaluation = hosted.served.documents.evaluation
    intervals: dict[str, list[float]] = evaluation.get("intervals") or {}
    figures = [
        _fact(name, join([element("b", figure(value)), _interval(intervals.get(name))]))
        for name, value in about["metrics"].items()
    ]
    rows = evaluation.get("testRows")
    heading = "Scores" if rows is None else f"Scores on {rows} test rows that it has never learnt from"
    return join([element("h2", heading), element("dl", *figures, class_="facts scores")])


def origin(about: dict[str, Any], hosted: Hosted) -> Html:
    """Where it comes from."""
    facts: list[tuple[str, Child]] = [("training rows", about["training_rows"])]
    if hosted.as_of:
        moment = f"{hosted.as_of[:16].replace('T', ' ')} UTC"
        facts.append(("trained on data as of", element("time", moment, datetime=hosted.as_of)))
    if about["classes"]:
        facts.append(("classes", ", ".join(map(str, about["classes"]))))
    facts.append(("engine", about["engine"]))
    digests = [("data", about["data_digest"]), ("model", about["digest"])]
    return join(
        [
            element("h2", "Where it comes from"),
            element("dl", *(_fact(name, value) for name, value in facts), class_="facts"),
            element("dl", *(_fact(f"{what} digest", digest) for what, digest in digests if digest), class_="digests"),
        ]
    )


def _interval(interval: list[float] | None) -> Html | None:
    if not interval or len(interval) != 2:
        return None
    low, high = (figure(end) for end in interval)
    return element("small", f"{low} to {high}", title="95 % interval")


def _fact(what: str, value: Child) -> Html:
    return element("div", element("dt", what), element("dd", value))


def seen(column: ColumnSignature) -> str:
    """What training has seen in a column; nothing where that was nothing."""
    if column.format is not None:
        return "a date and time in ISO 8601"
    if column.kind == "number":
        return "" if column.min is None or column.max is None else f"{figure(column.min)} to {figure(column.max)}"
    shown = ", ".join(column.levels[:_SHOWN_LEVELS])
    more = len(column.levels) - _SHOWN_LEVELS
    return f"{shown} and {more} more" if more > 0 else shown


def signature_table(hosted: Hosted) -> Html:
    """The columns in the order in which values without names are read."""
    rows = [
        (number, element("bdi", column.name), column.datatype, seen(column), "yes" if column.takes_missing else "no")
        for number, column in enumerate(hosted.served.signature.columns, 1)
    ]
    heads = ("", "Column", "Datatype", "Seen in training", "May be missing")
    hint = element("p", "Values that are sent without names are read in this order.", class_="hint")
    return element("details", element("summary", "Signature"), hint, table(heads, rows, numbers=[0]))
