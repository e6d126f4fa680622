"""What is computed here without pandas is what training computed with it."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evermodel.artifact.cells import UNSEEN
from evermodel.artifact.manifest import COMPILED
from evermodel.artifact.model import answer
from evermodel.artifact.moments import moments_of_texts
from evermodel.artifact.prepare import Prepare
from evermodel.compiled.compile import compile_pipeline
from evermodel.compiled.features_dates import PARTS, micros_of_texts
from evermodel.compiled.features_prepare import Prepared, with_prepared
from evermodel.compiled.file import decode
from evermodel.compiled.rows import rows_of_columns
from evermodel_api.training import Task
from tests.unit.evermodel.compiled.pipelines import make

USUAL = st.builds(
    lambda moment, form: moment.strftime(form),
    st.datetimes(min_value=pd.Timestamp("1000-01-01").to_pydatetime()),
    st.sampled_from(
        ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S.%fZ", "%Y-%m-%dT%H:%M:%S+05:30"]
    ),
)
ODD = st.sampled_from(
    [
        *(
            "now",
            "today",
            "",
            "24.11.2026",
            "2026-02-30",
            "2026-13-01",
            "2026-11-24T25:00",
            "20261124",
            "2026-11-24T14",
        ),
        *("2026-11-24T14:00:00.1", "2026-11-24T14:00:00.1234567Z", "2026-11-24T14:00:00,5", "2026-W48-2", "2026-11"),
        *("2026-11-24T24:00:00", "9999-12-31T23:59:59-12:00", "0000-01-01", "0001-01-01T00:00:00+12:00", "2026-11-24 "),
        *("2026-11-24T14:00:00+0530", "2026-11-24T14:00:00+05", "2026-11-24t14:00:00z", "२०२६-११-२४"),
    ]
)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(USUAL, ODD, st.none(), st.text(max_size=20)), min_size=1, max_size=5))
def test_texts_are_the_same_moments_as_in_training(texts):
    assert micros_of_texts(texts).tolist() == moments_of_texts(np.array(texts, dtype=object)).tolist()


@settings(max_examples=100, deadline=None)
@given(st.lists(st.one_of(USUAL, st.none()), min_size=2, max_size=6))
def test_parts_and_spans_of_dates_are_the_same_as_in_training(texts):
    frame = pd.DataFrame({"a": np.array(texts, dtype=object), "b": np.array(texts[::-1], dtype=object)})
    steps = [
        {"dateParts": {"of": "a", "parts": list(PARTS)}},
        {"elapsed": {"out": "e", "from": "a", "to": "b", "unit": "years"}},
        {"isMissing": {"out": "m", "of": "a"}},
    ]
    wanted = Prepare(steps).transform(frame).drop(columns=["a", "b"]).to_numpy(dtype=np.float64)
    own = [*(Prepared("datePart", (0,), part) for part in PARTS), Prepared("elapsed", (0, 1), "years")]
    own.append(Prepared("isMissingDate", (0,)))
    values = np.full((len(texts), 2), np.nan)
    found = with_prepared(values, {0: texts, 1: texts[::-1]}, own)[:, 2:]
    np.testing.assert_array_equal(found, wanted)


NUMBERS = st.one_of(st.floats(allow_infinity=False, width=64), st.sampled_from([0.0, -0.0, -1.0, 1e308, 5e-324]))


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=5))
def test_arithmetic_is_the_same_as_in_training(pairs):
    frame = pd.DataFrame(pairs, columns=["a", "b"], dtype=np.float64)
    steps = [
        {"ratio": {"out": "r", "of": ["a", "b"]}},
        {"difference": {"out": "d", "of": ["r", "b"]}},
        {"product": {"out": "p", "of": ["a", "d"]}},
        {"log": {"out": "l", "of": "a"}},
        {"isMissing": {"out": "m", "of": "p"}},
    ]
    own = [
        Prepared("ratio", (0, 1)),
        Prepared("difference", (2, 1)),
        Prepared("product", (0, 3)),
        Prepared("log", (0,)),
        Prepared("isMissing", (4,)),
    ]
    wanted = Prepare(steps).transform(frame).to_numpy(dtype=np.float64)
    np.testing.assert_array_equal(with_prepared(frame.to_numpy(), {}, own), wanted)


def test_cells_become_codes_and_texts():
    made = make(Task.REGRESSION, "Ridge")
    rows = rows_of_columns(
        made.signature, [[1, None], [2.5, np.nan], [0, 1], [0, 1], ["level 2", None], ["new", "level 0"]]
    )
    assert rows.values[:, :2].tolist()[0] == [1.0, 2.5]  # noqa: PD011  no frame
    assert np.isnan(rows.values[1, :2]).all()  # noqa: PD011  no frame
    assert rows.values[0, 4:].tolist() == [2.0, UNSEEN]  # noqa: PD011  no frame
    assert np.isnan(rows.values[1, 4])  # noqa: PD011  no frame
    assert rows.texts == {4: ["level 2", None], 5: ["new", "level 0"]}


@pytest.mark.parametrize("steps", [[{"OneHotEncoder": {}}], [{"OrdinalEncoder": {"encoded_missing_value": -2}}]])
def test_levels_that_the_signature_does_not_hold_are_looked_up_by_their_text(steps):
    # given a column with more levels than a signature holds
    made = make(Task.REGRESSION, "Ridge", texts=steps)
    program, _ = decode(made.forms.files[COMPILED])
    assert set(program.features.encoding.lookups) == {None}
    columns = [c.model_copy(update={"levels": c.levels[:1]}) for c in made.signature.columns]
    short = made.signature.model_copy(update={"columns": columns})
    # when it is compiled, then all of them are known still
    program = compile_pipeline(made.forms.model, short)
    rows = rows_of_columns(short, [made.frame[name].tolist() for name in short.names])
    assert all(lookup is not None for lookup in program.features.encoding.lookups)
    wanted, _ = answer(made.forms.model, made.signature, made.frame)
    np.testing.assert_allclose(program.predict(rows.values, rows.texts), wanted, rtol=0, atol=1e-12)
