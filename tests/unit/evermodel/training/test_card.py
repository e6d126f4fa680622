"""The model card: everything in the ledger is in it, and the limits of use follow from the ledger."""

import json
from pathlib import Path

import pandas as pd
import pytest

from evermodel.artifact.signature import Signature
from evermodel.data.eda import explore
from evermodel.data.eda_document import Eda
from evermodel.training.card import card_page
from evermodel.training.card_choice import by_score, parameters_text, trials_plot
from evermodel.training.card_limits import limits
from evermodel.training.card_scores import axis
from evermodel.training.ledger import Ledger, SliceScore
from evermodel_api.training import Metric, Task
from tests.unit.evermodel.data.test_eda_page import Page
from tests.unit.evermodel.training.ledgers import SIGNATURE, least_ledger, trial, trials, whole_ledger

HEART = Path(__file__).parents[4] / "manifests/examples/heart/heart.csv"


@pytest.fixture(scope="module")
def heart() -> Eda:
    frame = pd.read_csv(HEART)
    return explore(frame, "diagnosis", Task.CLASSIFICATION, budget_seconds=600, max_cells=10**9)


def said(ledger: Ledger, eda: Eda | None = None) -> str:
    signature = Signature.model_validate(ledger.signature) if ledger.signature else None
    return "\n".join(limits(ledger, signature, eda))


def test_everything_that_identifies_the_model_is_in_the_card(heart):
    ledger = whole_ledger()
    page = Page(card_page(ledger, heart))
    assert page.open == []
    for words in (
        "heart-5",
        "XGBClassifier that answers diagnosis",
        ledger.message,
        ledger.data.digest,
        ledger.spec_digest,
        ledger.artifact.digest if ledger.artifact else "",
        ledger.image or "",
        "scikit-learn",
        "1.9.1",
        "29 to 77",
        "fixed_defect, normal, reversible_defect",
        "0.8400 to 0.9500",
        "-0.0120 to 0.0391",
        "sex=female",
        "The champion was heart-4.",
        "0.4300",
        "quarantined, 4",
        "RandomOverSampler",
        "Folds of the chosen trial",
        "max_depth <1> is too small",
    ):
        assert words in page.words, words


def test_the_verdict_of_each_gate_is_told():
    markup = card_page(whole_ledger(), None)
    assert markup.count('class="chip no">does not hold<') == 1
    assert markup.count('class="chip yes">holds<') == 2


def test_a_card_needs_no_more_than_a_ledger_must_have():
    page = Page(card_page(least_ledger(), None))
    assert page.open == []
    assert "nothing was chosen between" in page.words
    assert "Nothing was measured" in page.words
    assert "names no gates" in page.words


def test_the_same_ledger_gives_the_same_bytes(heart):
    ledger = whole_ledger()
    again = Ledger.model_validate(json.loads(json.dumps(ledger.dump())))
    assert card_page(ledger, heart) == card_page(again, Eda.model_validate(heart.dump()))


def test_the_card_fetches_nothing(heart):
    page = Page(card_page(whole_ledger(), heart))
    assert not [tag for tag, attributes in page.tags if attributes.get("src") or "style" in attributes]
    links = [attributes["href"] for tag, attributes in page.tags if tag == "a"]
    assert all(link is not None and link.startswith("#") for link in links)


def test_hostile_words_stay_words():
    nasty = "</code></table><script>alert(1)</script>"
    signature = {**SIGNATURE, "columns": [{**SIGNATURE["columns"][2], "name": nasty, "levels": [nasty]}]}
    ledger = whole_ledger(
        signature=signature,
        features=[nasty],
        message=nasty,
        target=nasty,
        params={nasty: nasty},
        spec={"data": {"split": {"kind": "Group", "by": nasty}}},
        slices=[SliceScore(by=nasty, level=nasty, rows=3, judged=False, scores={})],
    )
    page = Page(card_page(ledger, None))
    assert sum(tag == "script" for tag, _ in page.tags) == 1
    assert page.open == []
    assert nasty in page.words


def test_ten_thousand_trials_make_no_endless_page():
    made = [trial(i % 50).model_copy(update={"number": i}) for i in range(10_000)]
    markup = card_page(whole_ledger(trials=made, chosen=3), None)
    assert len(markup) < 1_000_000
    assert "9,700 more are in the ledger" in markup


def test_trials_are_ranked_best_first_and_the_failed_last():
    ranked = by_score(trials(), "roc_auc")
    whole = [one.scores["roc_auc"] for one in ranked if one.state == "Complete"]
    assert whole == sorted(whole, reverse=True)
    assert [one.state for one in ranked] == sorted(
        (one.state for one in ranked), key=["Complete", "Pruned", "Failed"].index
    )
    losses = [one.model_copy(update={"scores": {"log_loss": one.scores.get("f1", 1.0)}}) for one in trials()]
    ranked = by_score(losses, "log_loss")
    whole = [one.scores["log_loss"] for one in ranked if one.state == "Complete"]
    assert whole == sorted(whole)


def test_the_plot_has_a_point_for_each_trial_that_was_scored():
    picture = trials_plot(trials(), "roc_auc", 26)
    assert picture.count('r="4"') == 29
    assert picture.count('class="ring"') == 2  # around the point, and in the legend


def test_parameters_are_a_line_of_words():
    assert "C=0.5 kernel=rbf layers=[10, 5]" in parameters_text({"kernel": "rbf", "C": 0.5, "layers": [10, 5]})
    assert "defaults" in parameters_text({})


@pytest.mark.parametrize("metric", Metric)
def test_every_metric_is_drawn_on_an_axis_that_holds_it(metric):
    for values in ([0.2], [0.9, 0.8, 1.0], [0.0], [-3.0] if metric is Metric.R2 else [0.5]):
        low, high = axis(metric, values)
        assert low <= min(values) <= max(values) <= high
        assert low < high


def test_a_model_with_nothing_odd_has_the_limits_of_every_model():
    words = said(least_ledger(data=least_ledger().data.model_copy(update={"test_rows": 900}), champion="price-0"))
    assert len(words.splitlines()) == 3
    assert "come from the same time and places" in words
    assert "for one group of them is not known" in words
    assert "not what causes what" in words


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, "age below 29 or above 77"),
        ({}, "It cannot answer a row in which a value of sex is missing."),
        ({}, "No value of age was missing in training"),
        ({}, "measured on 61 rows only"),
        ({}, "slices: thal=fixed_defect (2)"),
        ({}, "weaker where sex is female: roc_auc 0.8100 there, 0.9012 on all test rows"),
        ({}, "rows it was fitted on better (roc_auc 0.9999)"),
        ({}, "does not hold its gates"),
        ({}, "from a probability of 0.4300 on, which was chosen for f1"),
        ({}, "The 4 rows that were set aside as wrong"),
        ({}, "other shares of the classes than there are (RandomOverSampler)"),
        ({"champion": None}, "not compared with another version"),
        ({"slices": []}, "how well it answers for one group"),
        ({"spec": {"data": {"split": {"kind": "Time", "by": "at"}}}}, "How long after them"),
        ({"spec": {"data": {"split": {"kind": "Group", "by": "ward"}}}}, "tested on groups that it had not seen"),
        ({"spec": {"data": {"rows": [{"augment": {"method": "oversample"}}]}}}, "than there are (oversample)"),
        ({"spec": {}}, "were not calibrated"),
    ],
)
def test_a_limit_follows_from_the_ledger(changes, sentence):
    assert sentence in said(whole_ledger(**changes))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"spec": {"validation": {"calibration": {"method": "sigmoid"}}}}, "calibrated"),
        ({"train_metrics": {"roc_auc": 0.93}}, "rows it was fitted on better"),
        ({"threshold": None}, "from a probability"),
        ({"gates": []}, "does not hold its gates"),
    ],
)
def test_a_limit_that_is_not_there_is_not_told(changes, sentence):
    assert sentence not in said(whole_ledger(**changes))


def test_a_search_that_was_cut_short_is_told():
    ledger = whole_ledger()
    assert ledger.search is not None
    cut = ledger.search.model_copy(update={"stopped_by": "Timeout"})
    assert "cut short by the time limit" in said(whole_ledger(search=cut))
    assert "cut short" not in said(ledger)


def test_warnings_about_the_data_are_limits_of_a_model_that_takes_the_column():
    frame = pd.read_csv(HEART)
    frame["age"] = frame["diagnosis"] * 50 + frame["age"] / 100
    eda = explore(frame, "diagnosis", Task.CLASSIFICATION, budget_seconds=600, max_cells=10**9)
    assert "The data report warns: age alone tells the target" in said(whole_ledger(), eda)
    assert "The data report warns" not in said(whole_ledger(features=["sex", "thal"]), eda)


def test_a_loss_is_weaker_where_it_is_larger():
    slices = [
        SliceScore(by="town", level="A", rows=40, judged=True, scores={"rmse": 9.0}),
        SliceScore(by="town", level="B", rows=40, judged=True, scores={"rmse": 1.0}),
    ]
    words = said(least_ledger(metrics={"rmse": 3.0}, intervals={"rmse": (2.0, 4.0)}, slices=slices))
    assert "weaker where town is A" in words
    assert "town is B" not in words
