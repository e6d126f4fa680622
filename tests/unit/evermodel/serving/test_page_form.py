"""A field for each kind of column, filled as the model was asked when it was made."""

import re

import pytest

from evermodel.artifact.signature import ColumnSignature
from evermodel.serving.page_form import _field, shown


def column(**more) -> ColumnSignature:
    return ColumnSignature(**{"name": "c", "kind": "category", "datatype": "BYTES", **more})


NUMBER = column(kind="number", datatype="FP64", min=-1.5, max=2e6)
DATE = column(format="date-time")
TRUTH = column(datatype="BOOL", levels=["false", "true"])


@pytest.mark.parametrize(
    ("kind", "cell", "value"),
    [
        (NUMBER, 3.1, "3.1"),
        (NUMBER, 7, "7"),
        (NUMBER, None, None),
        (TRUTH, "true", True),
        (TRUTH, "false", False),
        (TRUTH, True, True),
        (column(), "a", "a"),
        (DATE, "2026-05-03", "2026-05-03"),
        (DATE, "2026-05-03T14:00:00+02:00", "2026-05-03T12:00:00"),
        (DATE, "2026-05-03T14:00:00.250Z", "2026-05-03T14:00:00.250000"),
        (DATE, "2026-05-03T14:00", "2026-05-03T14:00:00"),
    ],
)
def test_a_cell_is_shown_as_its_field_takes_it(kind, cell, value):
    assert shown(kind, cell) == value


@pytest.mark.parametrize(
    ("kind", "cell", "parts"),
    [
        (NUMBER, 3.1, ['type="number"', 'value="3.1"', "training: -1.5 to 2000000", 'data-max="2000000.0"']),
        (DATE, "2026-05-03", ['type="date"', 'value="2026-05-03"', "UTC"]),
        (DATE, "2026-05-03T14:00:00Z", ['type="datetime-local"', 'value="2026-05-03T14:00:00"']),
        (TRUTH, "true", ['type="checkbox" checked', "ticked: true"]),
        (column(levels=["a", "b"]), "b", ['<option value="b" selected>b</option>', "another one"]),
        (column(levels=["a", "b"]), "new", ["data-other selected", 'value="new" aria-label="c: another value"']),
        (column(levels=[f"l{n}" for n in range(51)]), "l3", ['list="f-levels"', 'value="l3"', "<datalist"]),
    ],
)
def test_a_field_is_of_its_column_s_kind(kind, cell, parts):
    field = _field("f", kind, cell)
    assert [part for part in parts if part not in field] == []
    # and its label, its hint and its error are told with it
    assert '<label for="f">' in field
    assert 'aria-describedby="f-hint f-wrong"' in field
    assert 'id="f-hint"' in field
    assert 'id="f-wrong"' in field


def test_only_a_column_that_may_be_missing_says_so():
    assert re.search(r'id="f-missing" checked', _field("f", NUMBER, None))
    assert "missing" not in _field("f", NUMBER.model_copy(update={"takes_missing": False}), 1.0)
