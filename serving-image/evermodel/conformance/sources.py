"""What every source has to do. A new kind is one class, and one fixture for this suite.

    class TestMySource(SourceSuite):
        @pytest.fixture
        def place(self): ...  # a `Place` of yours

The suite needs nothing of pytest but the fixture.
"""

# ruff: noqa: S101  assertions are what a test is made of

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import pandas as pd
import pyarrow as pa

from evermodel.data.batches import BATCH_ROWS, to_frame
from evermodel.data.source import Source
from evermodel.data.unavailable import SourceUnavailableError
from evermodel.errors import RunError

Row = Mapping[str, Any]

ROWS: tuple[Row, ...] = (
    {"id": 1, "weight": 70.25, "name": "Ann", "note": None},
    {"id": 2, "weight": None, "name": "Zoë, 'quoted' \"twice\"", "note": None},
    {"id": 3, "weight": -0.1, "name": None, "note": "late"},
    {"id": 4, "weight": 1e-300, "name": "東京", "note": None},
)
"""Whole numbers, others, texts, and missing values among them."""


class Place(Protocol):
    """Somewhere that rows can be put, so that a source can be made to read them."""

    secret: str | None
    """What its credentials hold and no message may; None where there are none."""

    def holding(self, rows: Sequence[Row]) -> Source:
        """A source of these rows. The columns of all rows are the same; there may be no rows."""

    def absent(self) -> Source:
        """A source whose rows are not there: no such file, no such table, no such address."""

    def unreachable(self) -> Source:
        """A source whose place cannot be reached."""


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows with None where a value is missing."""
    records = frame.astype(object).where(frame.notna(), None).to_dict("records")
    return [{str(name): value for name, value in record.items()} for record in records]


def _failure(source: Source) -> RunError:
    """How reading it fails, in batches and at once alike."""
    errors: list[RunError] = []
    for read in (lambda: list(source.batches()), source.frame):
        try:
            read()
        except RunError as error:
            errors.append(error)
    assert len(errors) == 2, "reading what is not there has to fail with an error of evermodel.errors"
    assert type(errors[0]) is type(errors[1])
    assert errors[0].reason == errors[1].reason
    return errors[0]


class SourceSuite:
    """The suite. A subclass gives the fixture `place`."""

    def test_rows_come_as_they_are(self, place: Place) -> None:
        """Values of every kind, and those that are missing."""
        assert _rows(place.holding(ROWS).frame()) == [dict(row) for row in ROWS]

    def test_columns_come_in_their_order(self, place: Place) -> None:
        """The order of columns is part of a model's signature."""
        assert list(place.holding(ROWS).frame().columns) == list(ROWS[0])

    def test_batches_give_the_same_as_a_frame(self, place: Place) -> None:
        """Which of the two ways is taken depends on the spec, and must change nothing."""
        source = place.holding(ROWS)
        pd.testing.assert_frame_equal(to_frame(source.batches()), source.frame())

    def test_it_can_be_read_again(self, place: Place) -> None:
        """A source is a description and no cursor."""
        source = place.holding(ROWS)
        pd.testing.assert_frame_equal(source.frame(), source.frame())

    def test_many_rows_come_in_batches_and_in_order(self, place: Place) -> None:
        """No batch is larger than BATCH_ROWS, so that memory is bounded."""
        count = 2 * BATCH_ROWS + 5
        batches = list(place.holding([{"id": i, "half": i / 2} for i in range(count)]).batches())
        assert all(isinstance(batch, pa.RecordBatch) and batch.num_rows <= BATCH_ROWS for batch in batches)
        frame = to_frame(batches)
        assert frame["id"].tolist() == list(range(count))
        assert frame["half"].tolist() == [i / 2 for i in range(count)]

    def test_a_type_that_shows_late_is_that_of_all_rows(self, place: Place) -> None:
        """A column without a value in the first batch, and one whose first fraction is in the last."""
        count = BATCH_ROWS + 5
        last = {"late": "text", "number": 0.5}
        rows: list[Row] = [*({"late": None, "number": i} for i in range(count)), last]
        frame = to_frame(place.holding(rows).batches())
        assert frame["late"].isna().sum() == count
        assert frame["late"].iloc[-1] == "text"
        assert frame["number"].tolist() == [*map(float, range(count)), 0.5]

    def test_reading_may_stop_early(self, place: Place) -> None:
        """Whoever stops leaves nothing open, and nothing locked."""
        source = place.holding([{"id": i} for i in range(2 * BATCH_ROWS)])
        batches = source.batches()
        assert next(iter(batches)).num_rows > 0
        del batches
        assert len(source.frame()) == 2 * BATCH_ROWS

    def test_no_rows_are_no_error(self, place: Place) -> None:
        """Whether rows are needed is not the source's to say."""
        source = place.holding([])
        assert len(to_frame(source.batches())) == len(source.frame()) == 0

    def test_what_is_not_there_is_told_in_one_sentence(self, place: Place) -> None:
        """With a documented reason, and without credentials."""
        error = _failure(place.absent())
        self._check_message(place, error)

    def test_what_cannot_be_reached_may_come_back(self, place: Place) -> None:
        """It is the one failure that is tried again."""
        error = _failure(place.unreachable())
        assert isinstance(error, SourceUnavailableError)
        assert error.reason == "SourceUnreachable"
        self._check_message(place, error)

    def _check_message(self, place: Place, error: RunError) -> None:
        assert "\n" not in str(error)
        assert str(error).startswith("source '")
        assert place.secret is None or place.secret not in str(error)
