"""Gates: hand-made cases of every rule, and how often the bootstrap is wrong."""

import math
from typing import Any

import numpy as np
import pytest

from evermodel.metrics import Answers
from evermodel.training.gates import Champion, explain, judge, paired_bootstrap, rule_name
from evermodel_api.training import Gate, Metric


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
    (verdict,) = judge([Gate.model_validate(gate)], challenger, champion, seed=0)
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
