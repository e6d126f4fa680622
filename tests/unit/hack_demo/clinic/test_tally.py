import pytest

from hack.demo.clinic.tally import Tally, percentile


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ([], 0.99, 0.0),
        ([5.0], 0.5, 5.0),
        ([4.0, 1.0, 3.0, 2.0], 0.5, 2.0),
        (list(range(1, 101)), 0.99, 99),
        ([1.0, 2.0], 1.0, 2.0),
    ],
)
def test_a_percentile_is_the_nearest_rank(values, share, expected):
    assert percentile(values, share) == expected


def test_nothing_counts_before_the_first_answer():
    tally = Tally()
    tally.failed(1.0, "nobody there")
    assert not tally.answering
    assert tally.snapshot()["requests"] == 0


def test_a_request_that_began_before_the_first_answer_may_fail_after_it():
    tally = Tally()
    tally.answered(10.0, 0.5, "heart-1", "heart-1")
    tally.failed(10.2, "it was on its way when the model began to answer")
    assert tally.snapshot()["failed"] == 0


def test_every_failure_after_the_first_answer_counts():
    tally = Tally()
    tally.answered(10.0, 0.5, "heart-1", "heart-1")
    tally.failed(11.0, "status 503")
    snapshot = tally.snapshot()
    assert (snapshot["requests"], snapshot["failed"], snapshot["lastFailure"]) == (2, 1, "status 503")


@pytest.mark.parametrize(
    ("header", "body"), [(None, "heart-1"), ("heart-1", None), ("heart-1", "heart-2"), (None, None)]
)
def test_an_answer_whose_version_is_missing_or_contradicted_is_unnamed(header, body):
    tally = Tally()
    tally.answered(1.0, 0.1, header, body)
    assert tally.snapshot()["unnamed"] == 1
    assert tally.snapshot()["versions"] == {}


def test_latency_is_that_of_the_answers_since_the_last_snapshot():
    tally = Tally()
    tally.answered(1.0, 0.2, "heart-1", "heart-1")
    assert tally.snapshot()["p99"] == 200.0
    tally.answered(2.0, 0.1, "heart-1", "heart-1")
    second = tally.snapshot()
    assert (second["lately"], second["p99"], second["worst"]) == (1, 100.0, 200.0)
