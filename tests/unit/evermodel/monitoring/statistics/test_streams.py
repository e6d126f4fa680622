"""ADWIN against published numbers and against River, and the dating of changes."""

import numpy as np
import pytest

from evermodel.monitoring.statistics.adwin import Adwin, changes
from evermodel.monitoring.statistics.change_point import change_point

I = np.arange(2000)  # noqa: E741
BITS = (1009 * np.where(I < 1000, 0.2, 0.4) > I * 7919 % 1009).astype(float)
VALUES = (I * 7919 % 1009) / 1009 + np.where(I >= 1000, 0.5, 0.0)


@pytest.mark.parametrize(("stream", "first"), [(BITS, 1183), (VALUES, 1055)], ids=["bits", "values"])
def test_adwin_sees_the_change_where_river_and_moa_do(stream, first):
    assert changes(stream)[0] == first


def test_the_window_of_adwin():
    adwin = Adwin()
    for value in VALUES[:1000]:
        assert not adwin.add(value)
    assert adwin.width == 1000
    assert adwin.total == pytest.approx(500.1764122893956, rel=1e-12)
    assert adwin.variance == pytest.approx(83.38246987813335, rel=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_adwin_is_that_of_river(seed):
    from river.drift import ADWIN

    random = np.random.default_rng(seed)
    stream = np.concatenate([random.normal(0, 1, 700), random.normal(0.8, 1, 900), random.random(600)])
    theirs, found = ADWIN(), []
    for i, value in enumerate(stream):
        theirs.update(value)
        found.extend([i] if theirs.drift_detected else [])
    assert changes(stream) == found
    assert found


def test_adwin_is_silent_when_nothing_changes():
    random = np.random.default_rng(0)
    streams = [(random.random(2000) < 0.2).astype(float) for _ in range(20)]
    assert sum(bool(changes(stream)) for stream in streams) <= 1


@pytest.mark.parametrize(("stream", "within"), [(BITS, 60), (VALUES, 10)], ids=["bits", "values"])
def test_a_change_is_dated(stream, within):
    found = change_point(stream)
    assert abs(found.place - 1000) <= within
    assert found.p < 1e-6
    assert found.after - found.before == pytest.approx(0.2 if stream is BITS else 0.5, abs=0.03)


def test_no_change_has_no_small_p():
    random = np.random.default_rng(1)
    ps = [change_point(random.normal(size=300)).p for _ in range(200)]
    assert sum(p <= 0.05 for p in ps) <= 22


@pytest.mark.parametrize("stream", [np.zeros(100), np.ones(100), np.ones(5), np.array([])])
def test_streams_without_a_change(stream):
    assert change_point(stream) is None


def test_a_step_without_noise():
    found = change_point(np.repeat([0.0, 1.0], 50))
    assert (found.place, found.p, found.before, found.after) == (50, 0.0, 0.0, 1.0)
