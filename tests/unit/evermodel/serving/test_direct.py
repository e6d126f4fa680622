"""Which requests are answered on the event loop, and how many rows that may be."""

import time
from dataclasses import replace

import numpy as np
import pytest

from evermodel.serving.batch import Batch
from evermodel.serving.direct import Direct
from evermodel.serving.engine import load_served_model
from evermodel.serving.registry import Hosted, Registry
from evermodel.serving.routes import Name
from evermodel.serving.warm import DIRECT_SECONDS, count_direct_rows, warm_up


@pytest.fixture
def hosted(line):
    served = load_served_model("line", "line-1", line.artifact.uri, line.artifact.digest)
    return Hosted(served, direct_rows=10)


def direct(*hosted: Hosted) -> Direct:
    registry = Registry()
    registry.publish(hosted)
    return Direct(registry)


@pytest.mark.parametrize(
    ("method", "url", "name"),
    [
        (b"POST", b"/v2/models/line/infer", Name.INFER),
        (b"POST", b"/v2/models/line/infer/?x=1", Name.INFER),
        (b"POST", b"/v2/models/l%69ne/versions/1/infer", Name.INFER),
        (b"POST", b"/v1/models/line:predict", Name.V1_PREDICT),
        (b"GET", b"/v2/model/line/5%2C0/prediction", Name.VALUES),
        (b"GET", b"/v2/model/5/prediction", Name.VALUES),
        (b"HEAD", b"/v2/model/5/prediction", None),
        (b"PUT", b"/v1/models/line:predict", None),
        (b"GET", b"/v2/models/line/infer", None),
        (b"GET", b"/v2/model/line", None),
        (b"POST", b"/v2/models/line/feedback", None),
        (b"POST", b"/v2/models/nope/infer", None),
        (b"POST", b"/v2/models/line/versions/2/infer", None),
        (b"POST", b"/v2/models/l\xffne/infer", None),
        (b"POST", b"http://model/v2/models/line/infer", None),
        (b"POST", b"", None),
    ],
)
def test_predictions_of_quick_models_are_direct(hosted, method, url, name):
    finder = direct(hosted)
    for _ in range(2):  # the second time it is remembered
        found = finder.find(method, url)
        assert (found and found.route.name) == name
        assert found is None or found.hosted is hosted


def test_a_slow_model_is_not_asked_on_the_event_loop(hosted):
    finder = direct(replace(hosted, direct_rows=0))
    assert finder.find(b"POST", b"/v1/models/line:predict") is None
    assert finder.find(b"GET", b"/v2/model/5/prediction") is None


def test_what_is_remembered_stays_small(hosted):
    finder = direct(hosted)
    for n in range(3000):
        assert finder.find(b"POST", b"/v1/models/line:predict?%d" % n)
    assert len(finder._known) <= 1024


class Timed:
    """An engine that takes a known time."""

    name, quick = "timed", True

    def __init__(self, call: float, row: float):
        self.call, self.row = call, row

    def predict(self, batch):
        end = time.perf_counter() + self.call + self.row * batch.rows
        while time.perf_counter() < end:
            pass
        return np.zeros(batch.rows)


@pytest.mark.parametrize(
    ("call", "row", "low", "high"), [(1e-4, 1e-5, 30, 100), (2e-3, 1e-5, 0, 0), (0, 0, 10_000, 10_000)]
)
def test_as_many_rows_as_fit_into_the_time(call, row, low, high):
    batch = Batch(np.zeros((64, 2)), {1: ["a"] * 64})
    assert low <= count_direct_rows(Timed(call, row), batch) <= high
    assert DIRECT_SECONDS == 1e-3


def test_warming_up_walks_the_way_of_a_request_and_leaves_no_trace(hosted, neighbours):
    # given an engine that is not quick, and one that is
    class Log:
        def put(self, question, answers, at):
            raise AssertionError("a golden row is no request")

    slow = load_served_model("neighbours", neighbours.version, neighbours.artifact.uri, neighbours.artifact.digest)
    assert not slow.engine.quick
    # when they are warmed up, then only the quick one may be asked on the event loop
    assert warm_up(Hosted(slow, Log())).direct_rows == 0
    assert warm_up(replace(hosted, log=Log(), direct_rows=0)).direct_rows > 0
