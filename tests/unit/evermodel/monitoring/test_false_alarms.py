"""Default settings leave Healthy alone when nothing changed; the full table is tests/bench/monitoring/false_alarms.py."""

import pytest

from tests.bench.monitoring.false_alarms import alarms


@pytest.mark.parametrize(("columns", "rows", "draws"), [(10, 200, 60), (10, 10000, 20), (200, 200, 8), (200, 1000, 6)])
def test_an_evaluation_in_which_nothing_changed_finds_nothing(columns, rows, draws):
    of_data, of_columns = alarms(columns, rows, draws)
    assert of_data == 0
    assert of_columns <= 2
