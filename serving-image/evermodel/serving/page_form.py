"""The form of a model: one field for each column of its signature, filled with one of its golden rows."""

import json
from datetime import UTC, datetime

from evermodel.artifact.golden import Cell
from evermodel.artifact.signature import ColumnSignature
from evermodel.page import Html, element, join
from evermodel.serving.page_model import seen
from evermodel.serving.registry import Hosted

_MOST_OPTIONS = 50
"""Levels that a list to choose from has at most; with more there is a field to type in, with proposals."""
_MOST_PROPOSALS = 1000
_DATE_LENGTH = len("2026-05-03")


def form(hosted: Hosted, anchor: str, *, asks_for_keys: bool) -> Html:
    """The form, and the place for its answer.

    Args:
        hosted: what is asked.
        anchor: what the ids of its fields begin with.
        asks_for_keys: whether the command shown has to send a key.
    """
    signature, golden = hosted.served.signature, hosted.served.documents.golden
    first = golden.rows[0] if golden.rows else [None] * len(signature.columns)
    places = list(zip(signature.columns, first, strict=True))
    fields = [_field(f"{anchor}-{number}", column, cell) for number, (column, cell) in enumerate(places)]
    rows = [[shown(c, cell) for c, cell in zip(signature.columns, row, strict=True)] for row in golden.rows]
    examples = json.dumps({"rows": rows, "answers": golden.predictions})
    return element(
        "form",
        element("h2", "Try it"),
        element("div", *fields, class_="fields"),
        element(
            "div",
            element("button", "Predict", type="submit"),
            element("button", "Another example", type="button", class_="quiet", data_next=True)
            if len(golden.rows) > 1
            else None,
            element("span", _origin(len(golden.rows)), class_="hint", data_origin=True),
            class_="buttons",
        ),
        element("noscript", element("p", "The form needs JavaScript; the API page shows commands that do not.")),
        element("output", role="status", aria_live="polite"),
        novalidate=True,
        aria_label=f"Try {hosted.served.model}",
        data_classes=json.dumps(signature.classes),
        data_target=signature.target,
        data_examples=examples,
        data_keys="yes" if asks_for_keys else None,
    )


def _origin(examples: int) -> str:
    return f"Test row 1 of {examples}, which it was not trained on" if examples else ""


def shown(column: ColumnSignature, cell: Cell) -> str | bool | None:
    """A cell as its field shows it; None where it is missing."""
    if cell is None:
        return None
    if column.datatype == "BOOL":
        return str(cell).lower() in ("true", "1")
    if column.format is not None:
        return _local(str(cell))
    return cell if isinstance(cell, str) else json.dumps(cell)


def _local(moment: str) -> str:
    """A date as a field for dates takes it, in UTC; a date without a time stays one."""
    if len(moment) == _DATE_LENGTH:
        return moment
    read = datetime.fromisoformat(moment)
    naive = read.astimezone(UTC).replace(tzinfo=None) if read.tzinfo else read
    return naive.isoformat()


def _field(identifier: str, column: ColumnSignature, cell: Cell) -> Html:
    value = shown(column, cell)
    hint, wrong = f"{identifier}-hint", f"{identifier}-wrong"
    words = _hint(column)
    label = element("label", element("bdi", column.name), for_=identifier)
    return element(
        "div",
        element("div", label, _missing(identifier, column, missing=cell is None), class_="name"),
        _control(identifier, column, value, f"{hint} {wrong}"),
        element("p", words, id=hint, class_="hint"),
        element("p", id=wrong, class_="wrong", role="alert"),
        class_="field",
        data_column=column.name,
        data_kind=column.kind,
        data_datatype=column.datatype,
        data_min=None if column.min is None else repr(column.min),
        data_max=None if column.max is None else repr(column.max),
    )


def _hint(column: ColumnSignature) -> str:
    if column.format is not None:
        return "date and time in UTC"
    if column.datatype == "BOOL":
        return "ticked: true"
    return f"training: {seen(column)}" if column.kind == "number" and seen(column) else ""


def _missing(identifier: str, column: ColumnSignature, *, missing: bool) -> Html | None:
    """The box that says that a value is missing; none where the model does not answer without it."""
    if not column.takes_missing:
        return None
    box = f"{identifier}-missing"
    tick = element("input", type="checkbox", id=box, checked=missing, data_missing=True)
    label = element("label", tick, " missing", element("span", f": {column.name}", class_="unseen"), for_=box)
    return element("span", label, class_="missing")


def _control(identifier: str, column: ColumnSignature, value: str | bool | None, described: str) -> Html:
    off = value is None and column.takes_missing
    text = value if isinstance(value, str) else ""
    if column.datatype == "BOOL":
        return element(
            "input",
            id=identifier,
            type="checkbox",
            checked=value is True,
            disabled=off,
            aria_describedby=described,
            data_value=True,
        )
    if column.format is not None:
        kind = "date" if len(text) == _DATE_LENGTH else "datetime-local"
        return element(
            "input",
            id=identifier,
            type=kind,
            step="any" if kind == "datetime-local" else None,
            value=text,
            disabled=off,
            aria_describedby=described,
            data_value=True,
        )
    if column.kind == "number":
        return element(
            "input",
            id=identifier,
            type="number",
            step="any",
            inputmode="decimal",
            value=text,
            disabled=off,
            aria_describedby=described,
            data_value=True,
        )
    return _choice(identifier, column, text, described, off=off)


def _choice(identifier: str, column: ColumnSignature, value: str, described: str, *, off: bool) -> Html:
    """A list of the levels, and for one that training has not seen a field to type in."""
    if len(column.levels) > _MOST_OPTIONS or not column.levels:
        proposals = [element("option", value=level) for level in column.levels[:_MOST_PROPOSALS]]
        field = element(
            "input",
            id=identifier,
            type="text",
            value=value,
            list=f"{identifier}-levels",
            disabled=off,
            aria_describedby=described,
            data_value=True,
        )
        return join([field, element("datalist", *proposals, id=f"{identifier}-levels")])
    is_other = bool(value) and value not in column.levels
    options = [element("option", level, value=level, selected=level == value) for level in column.levels]
    options.append(element("option", "another one …", data_other=True, selected=is_other))
    listed = element("select", *options, id=identifier, disabled=off, aria_describedby=described, data_value=True)
    other = element(
        "input",
        type="text",
        value=value if is_other else "",
        hidden=not is_other,
        disabled=off,
        aria_label=f"{column.name}: another value",
        data_typed=True,
    )
    return join([listed, other])
