"""The target: classes as they are in the data."""

import pandas as pd
import pytest

from evermodel.data.columns import read_column
from evermodel.data.target import read_target
from evermodel_api.training import Task


@pytest.mark.parametrize(
    ("values", "classes", "numbers"),
    [
        ([1, 0, 1], (0, 1), [1, 0, 1]),
        ([10.0, -2.0, 10.0], (-2, 10), [1, 0, 1]),
        ([True, False], (False, True), [1, 0]),
        (["yes", "no", "maybe"], ("maybe", "no", "yes"), [2, 1, 0]),
        (["10", "9"], ("10", "9"), [0, 1]),
    ],
)
def test_classes_are_numbered_in_their_order_and_keep_their_type(values, classes, numbers):
    target = read_target(read_column("y", pd.Series(values)), Task.CLASSIFICATION)
    assert target.classes == classes
    assert [type(one) for one in target.classes] == [type(one) for one in classes]
    assert target.cells.tolist() == numbers


def test_numbers_stay_numbers():
    target = read_target(read_column("y", pd.Series([1.5, -2.0])), Task.REGRESSION)
    assert (target.classes, target.cells.tolist()) == ((), [1.5, -2.0])
