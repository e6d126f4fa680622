import math
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evermodel.training.search.space import combination, combinations, draw, every, holds, places
from evermodel_api.training import SearchRange


def range_of(**document):
    return SearchRange.model_validate(document)


@st.composite
def ranges(draws):
    """Any range that a spec may hold."""
    kind = draws(st.sampled_from(["int", "float", "choices"]))
    if kind == "choices":
        json = st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.text(max_size=3), st.lists(st.integers(0, 3)))
        return range_of(choices=draws(st.lists(json, min_size=1, max_size=6)))
    log = draws(st.booleans())
    if kind == "int":
        low = draws(st.integers(1 if log else -100, 1000))
        step = 1 if log else draws(st.integers(1, 50))
        return range_of(int={"min": low, "max": low + draws(st.integers(0, 5000)), "log": log, "step": step})
    low = draws(st.floats(1e-9 if log else -1e6, 1e6))
    return range_of(float={"min": low, "max": low + draws(st.floats(0, 1e6)), "log": log})


@given(ranges(), st.integers())
def test_what_is_drawn_is_in_the_range_and_the_same_for_the_same_seed(values, seed):
    value = draw(values, Random(seed))
    assert holds(values, value)
    again = draw(values, Random(seed))
    assert (type(again), again) == (type(value), value)


@given(ranges())
def test_a_grid_is_inside_the_range_with_both_ends_and_nothing_twice(values):
    grid = places(values)
    assert all(holds(values, value) for value in grid)
    if values.choices is not None:
        assert grid == values.choices
        return
    assert 1 <= len(grid) <= 5
    assert grid == sorted(set(grid))
    span = values.int_ or values.float_
    assert grid[0] == span.min
    assert grid[-1] == span.max or (values.int_ and span.max - grid[-1] < values.int_.step)


@given(ranges())
def test_every_value_is_listed_where_they_are_few(values):
    listed = every(values, 64)
    if listed is not None:
        assert all(holds(values, value) for value in listed)
        assert draw(values, Random(0)) in listed
    elif values.int_ is not None:
        assert (values.int_.max - values.int_.min) // values.int_.step >= 64


def test_a_log_range_looks_at_small_numbers_more_closely():
    values = range_of(float={"min": 0.001, "max": 1, "log": True})
    drawn = [draw(values, Random(seed)) for seed in range(300)]
    assert 0.4 < sum(value < math.sqrt(0.001) for value in drawn) / 300 < 0.6
    assert places(values) == pytest.approx([0.001, 0.00562341, 0.0316228, 0.177828, 1.0])


def test_true_is_not_one():
    values = range_of(choices=[1, "a"])
    assert holds(values, 1)
    assert not holds(values, True)
    assert not holds(range_of(int={"min": 0, "max": 5}), True)
    assert not holds(range_of(int={"min": 0, "max": 6, "step": 2}), 3)


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4))
def test_each_combination_of_a_grid_comes_once(sizes):
    grid = {f"p{place}": list(range(size)) for place, size in enumerate(sizes)}
    listed = [tuple(combination(grid, number).values()) for number in range(combinations(grid))]
    assert len(set(listed)) == len(listed) == math.prod(sizes)
