"""Arrays of a file are trees, or are refused: no index leaves its array, whatever the file says."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evermodel.compiled.model import DamagedError, from_parts
from evermodel.compiled.trees import compile_trees
from tests.unit.evermodel.compiled.tree_cases import CLASSIFIERS, REGRESSORS, fitted, table

FOREST = compile_trees(fitted(CLASSIFIERS["forest"], 1, 3, gaps=True)).describe()
BOOSTED = compile_trees(fitted(CLASSIFIERS["xgboost"], 1, 3, gaps=True)).describe()
MEDIAN = compile_trees(fitted(REGRESSORS["adaboost"], 1, 0)).describe()
ROWS = table(2, 0, gaps=True)[0]


def changed(parts, name, place, value):
    header, arrays = parts
    copy = arrays[name].copy()
    copy[place] = value
    return header, {**arrays, name: copy}


def leaf_of(parts) -> int:
    return int(np.flatnonzero(parts[1]["nodes"][:, 3] == 0)[0])


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        (changed(FOREST, "nodes", (0, 2), 5), "a feature that is not there"),
        (changed(FOREST, "nodes", (0, 2), -1), "a feature that is not there"),
        (changed(FOREST, "nodes", (0, 3), 10**6), "outside its tree"),
        (changed(FOREST, "nodes", (0, 3), 2**31 - 1), "outside its tree"),
        (changed(FOREST, "nodes", (0, 3), -1), "a leaf of its trees has a feature"),
        (changed(FOREST, "nodes", (0, 3), 2), "no parent, or several"),
        (changed(FOREST, "nodes", (leaf_of(FOREST), 2), 0), "a leaf of its trees has a feature"),
        (changed(FOREST, "nodes", (leaf_of(FOREST), slice(0, 2)), [0, 0x41D00000]), "not in the table"),
        (changed(FOREST, "nodes", (leaf_of(FOREST), slice(0, 2)), [0, 0x7FF80000]), "not in the table"),
        (changed(FOREST, "nodes", (leaf_of(FOREST), slice(0, 2)), [0, 0x3FE00000]), "not in the table"),
        (changed(FOREST, "roots", 0, 1), "roots of its trees are not in order"),
        (changed(FOREST, "roots", -1, 10**8), "roots of its trees are not in order"),
        (changed(BOOSTED, "groups", 0, 3), "an output that is not there"),
        (changed(BOOSTED, "groups", 0, -1), "an output that is not there"),
    ],
)
def test_an_index_that_leaves_its_array_is_refused(parts, why):
    with pytest.raises(DamagedError, match=why):
        from_parts(*parts)


@pytest.mark.parametrize(
    "change",
    [
        {"link": "leaves"},
        {"link": "sigmoid"},
        {"link": "unheard"},
        {"finish": "median"},
        {"classes": 2},
        {"outputs": 2},
        {"outputs": 0},
        {"features": -1},
        {"features": True},
        {"scale": None},
        {"divisor": "3"},
        {"unit": 3},
        {"refuse_missing": 1},
        {"rounding": None},
    ],
    ids=str,
)
@pytest.mark.parametrize("parts", [FOREST, BOOSTED], ids=["forest", "boosted"])
def test_a_header_that_does_not_fit_is_refused(parts, change):
    with pytest.raises(DamagedError):
        from_parts({**parts[0], **change}, parts[1])


@pytest.mark.parametrize("parts", [FOREST, BOOSTED, MEDIAN], ids=["forest", "boosted", "median"])
def test_an_array_that_is_missing_or_too_short_is_refused(parts):
    header, arrays = parts
    for name in arrays:
        if name not in ("cover", "missing_right"):
            with pytest.raises(DamagedError):
                from_parts(header, {other: array for other, array in arrays.items() if other != name})
        with pytest.raises(DamagedError):
            from_parts(header, {**arrays, name: arrays[name][:-1]})


def test_without_covers_there_are_no_contributions():
    header, arrays = BOOSTED
    model = from_parts(header, {name: array for name, array in arrays.items() if name != "cover"})
    assert model.contributions is None
    np.testing.assert_array_equal(model.predict(ROWS), from_parts(*BOOSTED).predict(ROWS))


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([FOREST, BOOSTED, MEDIAN]), st.data())
def test_changed_bytes_are_refused_or_harmless(parts, data):
    header, arrays = parts
    name = data.draw(st.sampled_from(sorted(arrays)))
    raw = bytearray(arrays[name].tobytes())
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    array = np.frombuffer(bytes(raw), arrays[name].dtype).reshape(arrays[name].shape)
    try:
        model = from_parts(header, {**arrays, name: array})
    except DamagedError as error:
        assert "\n" not in str(error)
        return
    with np.errstate(all="ignore"):
        rows = ROWS[:20] if not model.facts.refuse_missing else np.nan_to_num(ROWS[:20])
        assert len(model.predict(rows)) == len(rows)
        if model.contributions is not None:
            assert model.contributions(rows[:2]).values.shape[0] == 2
