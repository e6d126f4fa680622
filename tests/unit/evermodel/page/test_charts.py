"""Pictures: everything stands inside its frame, and what there is nothing to show of is not drawn."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evermodel.page import Series, bar, histogram, scatter, sparkline, stack, trend, whisker

NUMBER = re.compile(r'(?:x|y|cx|cy|x1|x2|y1|y2)="(-?[\d.]+)"')
counts = st.lists(st.integers(0, 10**9), min_size=1, max_size=30)


def places(picture: str) -> list[float]:
    return [float(found) for found in NUMBER.findall(picture)]


@given(counts)
def test_a_histogram_stays_inside_its_frame(rows):
    picture = histogram(rows, "0", "1", groups=[rows])
    assert all(-1 <= place <= 361 for place in places(picture))
    assert "nan" not in picture


@given(counts)
def test_bars_that_hold_rows_are_drawn_and_empty_ones_are_not(rows):
    assert sparkline(rows, "s").count("M") == sum(count > 0 for count in rows)


def test_rows_of_no_group_are_drawn_too():
    picture = histogram([10, 10], "0", "1", groups=[[5, 10], [2, 0]])
    assert 'class="rest"' in picture
    assert 'class="rest"' not in histogram([10, 10], "0", "1", groups=[[5, 10], [5, 0]])


@given(st.lists(st.tuples(st.floats(-1e300, 1e300), st.floats(-1e300, 1e300)), max_size=20))
def test_a_scatter_plot_stays_inside_its_frame(points):
    picture = scatter([Series("s", points)], "x", "y", points)
    assert all(-1 <= place <= 721 for place in places(picture))
    assert (picture == "") == (not points)


def test_points_that_are_no_numbers_are_left_out():
    picture = scatter([Series("s", [(0, 1), (1, math.nan), (2, 3)])], "x", "y")
    assert picture.count('r="4"') == 2


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_a_whisker_stays_inside_its_axis(value, low, high):
    picture = whisker(value, (min(low, high), max(low, high)), min(low, high), max(low, high))
    assert all(0 <= place <= 180 for place in places(picture))


@pytest.mark.parametrize("share", [-1.0, 0.0, 1e-9, 0.5, 1.0, 7.0])
def test_a_bar_fills_its_place_at_most(share):
    widths = [float(found) for found in re.findall(r'rect x="0" y="0" width="([\d.]+)"', bar(share))]
    assert widths[0] == 120
    assert all(0 < width <= 120 for width in widths)
    assert len(widths) == (2 if share > 0 else 1)


def test_nothing_is_drawn_of_nothing():
    assert stack([], "s") == ""
    assert stack([("a", 0.0)], "s") == ""
    assert trend([None, None], "t") == ""


def test_labels_are_text():
    assert "<script>" not in stack([("<script>", 1.0)], "<script>")
    assert "<script>" not in scatter([Series("<script>", [(0, 0)])], "<script>", "<script>")
    assert "<script>" not in histogram([1], "<script>", "<script>", title="<script>")
