"""Every field of drift, performance and quality does something: a window through the whole evaluation."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from evermodel.errors import SpecError
from evermodel.monitoring.evaluate import evaluate
from evermodel.monitoring.log import Served, read_window
from evermodel.monitoring.look import wants_answers
from evermodel.monitoring.order import run_order
from evermodel.monitoring.report import encode
from evermodel.monitoring.subject import read_subject
from evermodel_api.monitor import Memory, MonitorSpec, RequestCause, State

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.fixture
def evaluated(ward, make_patients):
    """The document of a window of these rows, under this spec."""

    def run(parts, rows=None, labels=1.0, **patients):
        spec = MonitorSpec.model_validate({"deploymentRef": {"name": "heart"}, "window": {"minRows": 50}, **parts})
        rows = make_patients(400, seed=3, **patients) if rows is None else rows
        ward.serve(rows, NOW - timedelta(minutes=50), labels=labels)
        subject = read_subject(spec, ward.version, ward.artifact.uri, ward.artifact.digest)
        served = Served(str(ward.store), "heart", "heart-1", NOW - timedelta(hours=1), NOW, NOW)
        window = read_window(served, subject.signature, 50000, with_answers=wants_answers(spec))
        evaluation = evaluate(subject, window, Memory(), NOW)
        encode(evaluation.document)  # JSON knows no NaN
        return evaluation.document

    return run


@pytest.mark.parametrize(
    "test", ["ks", "wasserstein", "energy", "psi", "jensenShannon", "hellinger", "kullbackLeibler"]
)
@pytest.mark.parametrize("older", [0.0, 12.0])
def test_each_statistic_of_numbers(evaluated, test, older):
    document = evaluated({"drift": {"numeric": {"test": test, "effect": test, "bins": "deciles"}}}, older=older)
    age = next(c for c in document["columns"] if c["column"] == "age")
    assert (age["test"], age["measure"], age["drifted"]) == (test, test, older > 0)
    assert age["testLimit"] > 0


@pytest.mark.parametrize("test", ["psi", "jensenShannon", "hellinger", "kullbackLeibler", "lInfinity"])
def test_each_statistic_of_categories(evaluated, make_patients, test):
    rows = make_patients(400, seed=3)
    rows["sex"] = np.where(np.arange(400) % 10 < 9, "male", "female")
    document = evaluated({"drift": {"category": {"test": test, "effect": test}}}, rows)
    sex = next(c for c in document["columns"] if c["column"] == "sex")
    assert (sex["test"], sex["drifted"]) == (test, True)


def test_a_column_of_its_own(evaluated):
    own = {"chol": {"test": "psi", "effect": "hellinger", "bins": "widths", "minEffect": 0.9}}
    document = evaluated({"drift": {"columns": {"perColumn": own}}}, older=12.0)
    by_name = {c["column"]: c for c in document["columns"]}
    assert (by_name["chol"]["test"], by_name["chol"]["measure"], by_name["chol"]["limit"]) == ("psi", "hellinger", 0.9)
    assert (by_name["age"]["test"], by_name["chol"]["drifted"]) == ("ks", False)


def test_a_statistic_of_the_wrong_kind_is_refused(evaluated):
    with pytest.raises(SpecError, match=r"perColumn\.sex\.test: ks is none for a column of categories"):
        evaluated({"drift": {"columns": {"perColumn": {"sex": {"test": "ks"}}}}})


def test_bonferroni(evaluated):
    document = evaluated({"drift": {"correction": "Bonferroni"}}, older=12.0)
    for column in document["columns"]:
        assert column["pCorrected"] == pytest.approx(min(4 * column["p"], 1.0))


@pytest.mark.parametrize(("older", "drifted"), [(0.0, False), (15.0, True)])
def test_the_answers_are_compared(evaluated, older, drifted):
    document = evaluated({"drift": {"prediction": {"minEffect": 0.1}, "dataset": {"share": 1.0}}}, older=older)
    assert document["prediction"]["column"] == "prediction"
    assert document["prediction"]["drifted"] is drifted
    assert document["state"] == ("Suspect" if drifted else "Healthy")


@pytest.mark.parametrize("test", ["domainClassifier", "mmd"])
@pytest.mark.parametrize(("older", "drifted"), [(0.0, False), (15.0, True)])
def test_whole_rows_are_compared(evaluated, test, older, drifted):
    document = evaluated({"drift": {"multivariate": {"test": test}, "dataset": {"share": 1.0}}}, older=older)
    assert (document["multivariate"]["test"], document["multivariate"]["drifted"]) == (test, drifted)


def test_an_auc_that_is_allowed(evaluated):
    document = evaluated({"drift": {"multivariate": {"maxAuc": 0.99}, "dataset": {"share": 1.0}}}, older=8.0)
    assert document["multivariate"]["value"] > 0.65
    assert not document["multivariate"]["drifted"]


def test_a_column_counts_for_what_it_decides(evaluated, ward, make_patients):
    # given that only cholesterol moved, which the model hardly looks at
    rows = make_patients(400, seed=3)
    rows["chol"] += 150.0
    importance = read_subject(
        MonitorSpec.model_validate({"deploymentRef": {"name": "heart"}, "drift": {}}),
        "heart-1",
        ward.artifact.uri,
        None,
    ).baseline.importance
    assert importance["chol"] < 0.5 < importance["age"]
    assert sum(importance.values()) == pytest.approx(4.0)
    # when / then its share is small by importance, and a quarter when all count alike
    document = evaluated({"drift": {"dataset": {"share": 0.2, "weight": "Importance"}}}, rows)
    assert document["dataset"]["share"] == pytest.approx(importance["chol"] / 4.0)
    assert not document["dataset"]["drifted"]


def test_concept_drift_asks_for_a_retraining(ward, make_patients):
    # given that the labels turn round in the middle of the window
    rows = make_patients(1200, seed=3)
    rows.loc[600:, "disease"] = 1 - rows.loc[600:, "disease"]
    ward.serve(rows, NOW - timedelta(minutes=25), labels=1.0)
    spec = MonitorSpec.model_validate(
        {
            "deploymentRef": {"name": "heart"},
            "performance": {"concept": {"detector": "adwin", "delta": 0.002}},
            "decide": {"fire": {"of": 1, "in": 1}},
            "actions": {"retrain": {"trainingRef": {"name": "heart"}, "on": ["Concept"]}},
        }
    )
    # when
    outcome = run_order(ward.order(spec))
    # then
    assert (outcome.state, outcome.retrain) == (State.FIRING, RequestCause.CONCEPT)
    assert "the mean error rose from" in outcome.message.lower()


@pytest.mark.parametrize("allow", [False, True])
def test_an_estimate_stands_in_for_labels_and_retrains_only_where_it_may(ward, make_patients, allow):
    rows = make_patients(600, seed=3)
    rows["age"], rows["pulse"] = 54.0 + np.arange(600) % 3, 150.0  # where the model is least sure
    ward.serve(rows, NOW - timedelta(minutes=25), labels=0.0)
    spec = MonitorSpec.model_validate(
        {
            "deploymentRef": {"name": "heart"},
            "performance": {
                "metrics": [{"name": "accuracy", "min": 0.9}],
                "estimate": {"method": "cbpe", "allowRetrain": allow},
            },
            "decide": {"fire": {"of": 1, "in": 1}},
            "actions": {"retrain": {"trainingRef": {"name": "heart"}}},
        }
    )
    outcome = run_order(ward.order(spec))
    assert outcome.state is State.FIRING
    assert (outcome.retrain is RequestCause.PERFORMANCE) is allow
    assert "without labels accuracy is estimated at" in outcome.message


def test_labels_outrank_an_estimate(evaluated):
    parts = {"metrics": [{"name": "accuracy", "min": 0.5}], "estimate": {}}
    document = evaluated({"performance": parts})
    assert document["performance"][0]["judged"]
    assert document["estimates"][0]["low"] <= document["performance"][0]["value"] <= document["estimates"][0]["high"]


def test_an_estimate_for_the_other_task_is_refused(evaluated):
    with pytest.raises(SpecError, match="dle does not fit Classification; use cbpe"):
        evaluated({"performance": {"estimate": {"method": "dle"}}})


def test_repeated_rows(evaluated, make_patients):
    rows = make_patients(400, seed=3)
    checks = {"quality": {"duplicates": {"max": 0.05}}}
    again = rows.iloc[np.arange(400) % 200].reset_index(drop=True)
    found = [evaluated(checks, again)["quality"][-1]]
    assert (found[0]["check"], found[0]["passed"]) == ("duplicates", False)
    assert found[0]["value"] == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(("limit", "passed"), [("1h", True), ("10m", False)])
def test_old_rows(evaluated, limit, passed):
    check = evaluated({"quality": {"stale": limit}})["quality"][-1]
    assert (check["check"], check["passed"]) == ("stale", passed)


def test_no_rows_at_all_are_stale(ward):
    spec = MonitorSpec.model_validate({"deploymentRef": {"name": "heart"}, "quality": {"stale": "30m"}})
    outcome = run_order(ward.order(spec))
    assert outcome.healthy_data is False
