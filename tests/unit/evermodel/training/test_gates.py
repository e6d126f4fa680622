"""Gates: hand-made cases of every rule, and how often the bootstrap is wrong."""

import math
from typing import Any

import numpy as np
import pytest

from evermodel.metrics import Answers
from evermodel.training.gates import Champion, Evidence, explain, judge, judge_overfit, rule_name
from evermodel.training.intervals import intervals, paired_bootstrap
from evermodel.training.slices import parts_of
from evermodel_api.training import Cost, Gate, Metric, Overfit, Task


def right(share, rows=100):
    """Answers of which this share is right, in both classes alike."""
    truth = np.tile([0.0, 1.0], rows // 2)
    wrong = np.arange(rows) >= share * rows
    predicted = np.where(wrong, 1 - truth, truth)
    return Answers(truth, predicted, np.stack([1 - predicted, predicted], axis=1), 2)


def off_by(error, rows=100):
    truth = np.linspace(0, 10, rows)
    return Answers(truth, truth + error)


def one(gate, challenger, champion=None):
    (verdict,) = judge([Gate.model_validate(gate)], Evidence(challenger, champion), seed=0)
    return verdict


def versus(**rule: Any):
    return {"metric": "accuracy", "versus": "champion", **rule}


NOT_WORSE = versus(rule="NotWorse")


@pytest.mark.parametrize(
    ("gate", "challenger", "passed"),
    [
        ({"metric": "accuracy", "min": 0.8}, right(0.8), True),
        ({"metric": "accuracy", "min": 0.81}, right(0.8), False),
        ({"metric": "accuracy", "max": 0.8}, right(0.8), True),
        ({"metric": "accuracy", "max": 0.79}, right(0.8), False),
        ({"metric": "rmse", "max": 0.5}, off_by(0.5), True),
        ({"metric": "rmse", "max": 0.5}, off_by(0.51), False),
        ({"metric": "r2", "min": 0.0}, Answers(np.ones(3), np.ones(3)), False),
        ({"metric": "r2", "max": 1.0}, Answers(np.ones(3), np.ones(3)), False),
    ],
)
def test_a_limit_holds_or_not(gate, challenger, passed):
    assert one(gate, challenger).passed is passed


@pytest.mark.parametrize(
    ("gate", "challenger", "champion", "passed"),
    [
        (versus(maxDrop=0.05), right(0.85), right(0.9), True),
        (versus(maxDrop=0.04), right(0.85), right(0.9), False),
        (versus(maxDrop=0.0), right(0.95), right(0.9), True),
        ({**versus(maxDrop=0.5), "metric": "mae"}, off_by(1.4), off_by(1.0), True),
        ({**versus(maxDrop=0.5), "metric": "mae"}, off_by(1.6), off_by(1.0), False),
        (NOT_WORSE, right(0.9), right(0.9), True),
        (NOT_WORSE, right(0.95), right(0.5), True),
        (NOT_WORSE, right(0.5), right(0.95), False),
        ({**NOT_WORSE, "metric": "rmse"}, off_by(2.0), off_by(1.0), False),
        ({**NOT_WORSE, "metric": "rmse"}, off_by(1.0), off_by(2.0), True),
        ({**NOT_WORSE, "metric": "r2"}, Answers(np.ones(3), np.ones(3)), Answers(np.ones(3), np.ones(3)), False),
    ],
)
def test_a_challenger_meets_the_champion(gate, challenger, champion, passed):
    verdict = one(gate, challenger, Champion("heart-1", champion))
    assert verdict.passed is passed
    assert verdict.champion is not None
    assert (verdict.interval is not None) is (gate.get("rule") == "NotWorse")


@pytest.mark.parametrize("gate", [NOT_WORSE, versus(maxDrop=0.0)])
def test_where_nobody_serves_there_is_nobody_to_meet(gate):
    verdict = one(gate, right(0.1))
    assert (verdict.passed, verdict.limit, verdict.champion) == (True, "none", None)


@pytest.mark.parametrize("gate", [NOT_WORSE, versus(maxDrop=0.5)])
def test_a_champion_that_cannot_be_asked_refuses(gate):
    champion = Champion("heart-1", None, "the champion heart-1 cannot be asked: its bytes were changed")
    verdict = one(gate, right(1.0), champion)
    assert verdict.passed is False
    assert explain(Gate.model_validate(gate), verdict, champion).endswith(champion.trouble)


def test_a_refusal_is_explained_with_both_scores():
    gate = Gate.model_validate(NOT_WORSE)
    champion = Champion("heart-1", right(0.95))
    said = explain(gate, one(NOT_WORSE, right(0.5), champion), champion)
    assert "accuracy NotWorse does not hold: the version scored 0.5000 and the champion heart-1 0.9500" in said
    assert "difference -0." in said


def test_a_limit_is_explained_with_the_limit():
    low, high = {"metric": "accuracy", "min": 0.9}, {"metric": "rmse", "max": 0.1}
    assert "scored 0.5000 and has to reach 0.9000" in explain(Gate.model_validate(low), one(low, right(0.5)), None)
    assert "the limit is 0.1000" in explain(Gate.model_validate(high), one(high, off_by(1.0)), None)


def test_rules_have_names():
    gates = [{"metric": "f1", "min": 0}, {"metric": "f1", "max": 1}, NOT_WORSE, versus(maxDrop=0.1)]
    assert [rule_name(Gate.model_validate(gate)) for gate in gates] == ["min", "max", "NotWorse", "maxDrop"]


def test_the_bootstrap_is_the_same_for_the_same_seed():
    pair = (right(0.8), right(0.7))
    bounds = [paired_bootstrap(Metric.F1, *pair, 0.95, seed, 200) for seed in (1, 1, 2)]
    assert bounds[0] == bounds[1] != bounds[2]


def test_where_no_resample_is_defined_the_bounds_are_endless():
    same = Answers(np.ones(3), np.ones(3))
    interval = paired_bootstrap(Metric.R2, same, same, 0.95, 0, 10)
    assert (interval.low, interval.high) == (-math.inf, math.inf)


@pytest.mark.parametrize("metric", [Metric.ACCURACY, Metric.ROC_AUC])
def test_an_equally_good_challenger_is_rarely_refused(metric):
    # given pairs of models that are equally good, seen through a test of 120 rows
    generator = np.random.default_rng(7)
    trials, refused = 200, 0
    for trial in range(trials):
        truth = np.tile([0.0, 1.0], 60)
        scores = truth + generator.normal(scale=1.2, size=(2, 120))
        scores = 1 / (1 + np.exp(0.5 - scores))
        pair = [Answers(truth, (s > 0.5).astype(float), np.stack([1 - s, s], axis=1), 2) for s in scores]
        # when the one meets the other with a confidence of 95%
        interval = paired_bootstrap(metric, *pair, 0.95, seed=trial, resamples=200)
        refused += interval.high < 0
    # then about 5% are refused: between 1% and 10% here, four standard errors below and above
    assert 0.01 <= refused / trials <= 0.10, refused


def test_a_worse_challenger_is_mostly_refused():
    generator = np.random.default_rng(7)
    refused = 0
    for trial in range(50):
        truth = np.tile([0.0, 1.0], 100)
        errors = generator.random((2, 200)) < np.array([[0.25], [0.10]])
        worse, better = (Answers(truth, np.where(wrong, 1 - truth, truth), None, 2) for wrong in errors)
        refused += paired_bootstrap(Metric.ACCURACY, worse, better, 0.95, trial, 200).high < 0
    assert refused >= 45


BY_WARD = {"metric": "accuracy", "by": "ward", "minRows": 20}


def in_wards(wrong_in_b):
    """100 rows of ward a, all right; 40 of b, some wrong; 5 of c, all wrong."""
    ward = np.array(["a"] * 100 + ["b"] * 40 + ["c"] * 5, dtype=object)
    truth = np.tile([0.0, 1.0], 73)[:145]
    wrong = np.concatenate([np.zeros(100), np.arange(40) < wrong_in_b, np.ones(5)]).astype(bool)
    return Answers(truth, np.where(wrong, 1 - truth, truth), None, 2), {"ward": parts_of("ward", ward)}


def test_a_gate_by_slice_is_decided_by_the_worst_slice_that_is_large_enough():
    answers, slices = in_wards(wrong_in_b=8)
    gate = Gate.model_validate({**BY_WARD, "min": 0.75})
    (verdict,) = judge([gate], Evidence(answers, slices=slices), seed=0)
    assert (verdict.passed, verdict.slice, verdict.value) == (True, "ward=b", "0.8000")
    gate = Gate.model_validate({**BY_WARD, "min": 0.85})
    (verdict,) = judge([gate], Evidence(answers, slices=slices), seed=0)
    assert (verdict.passed, verdict.slice) == (False, "ward=b")
    assert "does not hold on ward=b" in explain(gate, verdict, None)


def test_a_slice_may_not_drop_although_the_whole_got_better():
    challenger, slices = in_wards(wrong_in_b=10)
    champion = Champion("heart-1", in_wards(wrong_in_b=2)[0])
    gate = Gate.model_validate({**BY_WARD, "versus": "champion", "maxDrop": 0.05})
    (verdict,) = judge([gate], Evidence(challenger, champion, slices), seed=0)
    assert (verdict.passed, verdict.slice, verdict.champion) == (False, "ward=b", "0.9500")


def test_where_no_slice_is_large_enough_the_verdict_says_so():
    answers, slices = in_wards(wrong_in_b=40)
    gate = Gate.model_validate({**BY_WARD, "min": 0.99, "minRows": 500})
    (verdict,) = judge([gate], Evidence(answers, slices=slices), seed=0)
    assert verdict.passed
    assert verdict.slice == "no slice of ward has 500 test rows"


@pytest.mark.parametrize(("found", "passed"), [(4.9, True), (5.1, False), (math.nan, False)])
def test_a_cost_has_a_limit(found, passed):
    gate = Gate.model_validate({"metric": "latency_ms", "max": 5})
    (verdict,) = judge([gate], Evidence(right(1.0), costs={Cost.LATENCY: found}), seed=0)
    assert verdict.passed is passed


def test_better_asks_for_more_than_not_worse():
    gate = Gate.model_validate(versus(rule="Better"))
    for challenger, champion, passed in [(0.95, 0.6, True), (0.8, 0.8, False), (0.6, 0.95, False)]:
        (verdict,) = judge([gate], Evidence(right(challenger), Champion("heart-1", right(champion))), seed=0)
        assert verdict.passed is passed


@pytest.mark.parametrize(("gap", "passed"), [(0.05, True), (0.2, False)])
def test_a_model_that_learnt_its_rows_by_heart_is_refused(gap, passed):
    guard = Overfit(metric=Metric.ACCURACY, max_train_test_gap=0.1)
    assert judge_overfit(guard, right(0.95), right(0.95 - gap)).passed is passed
    losses = Overfit(metric=Metric.RMSE, max_train_test_gap=0.1)
    assert judge_overfit(losses, off_by(1.0), off_by(1.0 + gap)).passed is passed


def test_an_interval_holds_the_score_about_as_often_as_it_says():
    generator = np.random.default_rng(3)
    trials, held = 200, 0
    for trial in range(trials):
        wrong = generator.random(150) < 0.2
        truth = np.tile([0.0, 1.0], 75)
        answers = Answers(truth, np.where(wrong, 1 - truth, truth), None, 2)
        interval = intervals([Metric.ACCURACY], answers, Task.CLASSIFICATION, trial)[Metric.ACCURACY]
        held += interval.low <= 0.8 <= interval.high
    assert 0.90 <= held / trials <= 0.99, held
