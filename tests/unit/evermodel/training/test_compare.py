"""Comparing runs: what differs is found, what does not is not told."""

import copy
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evermodel.training.compare import compare_ledgers, spec_differences
from evermodel.training.compare_page import best_so_far, comparison_page
from evermodel.training.compare_text import comparison_text, listed
from evermodel.training.text import Paint
from tests.unit.evermodel.training.past_runs import SPEC, digest, ledger_of, trial

PLAIN = Paint(on=False)


def changed(**data):
    return {**ledger_of().data.dump(), **data}


def test_a_run_does_not_differ_from_itself():
    comparison = compare_ledgers([ledger_of(1), ledger_of(1)])
    assert (comparison.same_data, comparison.same_spec, comparison.same_test_rows) == (True, True, True)
    for lines in (comparison.spec, comparison.data, comparison.columns, comparison.libraries, comparison.parameters):
        assert lines == []
    assert {line.differences[1] for line in comparison.metrics} == {0.0}


def test_an_algorithm_in_front_moves_no_other():
    # given a spec with one algorithm more, before the other, and another seed
    spec = copy.deepcopy(SPEC)
    spec["algorithms"].insert(0, {"name": "ridge", "estimator": "RidgeClassifier"})
    spec["run"]["seed"] = 43
    # then only that is told
    found = {line.where: line.values for line in spec_differences([SPEC, spec])}
    assert found == {
        "algorithms[ridge]": [None, {"name": "ridge", "estimator": "RidgeClassifier"}],
        "run.seed": [42, 43],
    }


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ([{"dedupe": {"keys": ["a"]}}], [{"dedupe": {"keys": ["b"]}}], "rows[dedupe].keys"),
        ([{"join": {"out": "x", "how": "left"}}], [{"join": {"out": "x", "how": "inner"}}], "rows[join x].how"),
        ([{"metric": "f1", "min": 0.5}], [{"metric": "f1", "min": 0.6}], "rows[f1 min].min"),
        (
            [{"metric": "f1", "min": 1, "by": "sex"}],
            [{"metric": "f1", "min": 2, "by": "sex"}],
            "rows[f1 min by sex].min",
        ),
        ([{"a": {}}, {"b": {}}], [{"b": {}}, {"a": {}}], "rows (order)"),
        ([{"a": 1}, {"a": 2}], [{"a": 1}, {"a": 3}], "rows[a #2]"),
        (["roc_auc"], ["f1", "roc_auc"], "rows"),
    ],
)
def test_items_of_lists_are_known_by_what_they_are(old, new, path):
    assert [line.where for line in spec_differences([{"rows": old}, {"rows": new}])] == [path]


names = st.sampled_from(["a", "b", "a #2", "name", "metric", "out"])
specs = st.recursive(
    st.integers(0, 2) | st.booleans() | st.text(max_size=1),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)


@given(specs, specs)
def test_nothing_differs_exactly_when_specs_are_equal(one, other):
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (list(spec_differences([one, other], "spec")) == []) == same


@given(specs, specs)
def test_differences_are_the_same_the_other_way_round(one, other):
    there = {(line.where, json.dumps(line.values)) for line in spec_differences([one, other], "spec")}
    back = {(line.where, json.dumps(line.values[::-1])) for line in spec_differences([other, one], "spec")}
    assert there == back


def test_data_and_libraries_are_compared_piece_by_piece():
    data = changed(digest=digest("f"), rows=280, columns={"age": digest("1"), "sex": digest("9"), "chol": digest("5")})
    libraries = {"python": "3.11.7", "libraries": {"scikit-learn": "1.9.2", "numpy": "2.4.1"}}
    comparison = compare_ledgers([ledger_of(1), ledger_of(2, data=data, environment=libraries)])
    assert [line.where for line in comparison.columns] == ["sex", "chol"]
    assert [(line.where, line.values) for line in comparison.data][1:] == [("rows", [300, 280])]
    assert [(line.where, line.values) for line in comparison.libraries] == [("scikit-learn", ["1.9.1", "1.9.2"])]
    assert not comparison.same_test_rows


def test_another_seed_of_the_same_data_gives_other_test_rows():
    spec = {**SPEC, "run": {"seed": 7}}
    comparison = compare_ledgers([ledger_of(1), ledger_of(2, spec=spec)])
    assert comparison.same_data
    assert not comparison.same_test_rows
    assert "Scores were measured on different rows: small differences may be chance." in comparison_text(
        comparison, PLAIN
    )


def test_a_smaller_loss_is_better_and_a_missing_metric_is_no_zero():
    # given runs with a loss, and one that did not measure it
    ledgers = [
        ledger_of(n, metrics=metrics) for n, metrics in ((1, {"log_loss": 0.5}), (2, {"log_loss": 0.4}), (3, {}))
    ]
    comparison = compare_ledgers(ledgers)
    [line] = comparison.metrics
    assert (line.larger_is_better, line.values) == (False, [0.5, 0.4, None])
    assert line.differences == [0.0, pytest.approx(-0.1), None]
    said = "\n".join(comparison_text(comparison, PLAIN))
    assert "-0.1000 better" in said


def test_folds_are_compared_only_where_the_same_metric_chose():
    by_f1 = ledger_of(2, search={**ledger_of().search.dump(), "objective": "f1"})
    assert compare_ledgers([ledger_of(1), by_f1]).folds is None
    assert compare_ledgers([ledger_of(1), ledger_of(2)]).folds.values == [0.91, 0.91]
    assert compare_ledgers([ledger_of(1, trials=[]), ledger_of(2, trials=[])]).folds is None


def test_many_runs_fit_the_terminal():
    ledgers = [ledger_of(n, training="a" * 60, params={"text": "x" * 300, "n": n}) for n in range(1, 10)]
    lines = comparison_text(compare_ledgers(ledgers), PLAIN)
    assert max(map(len, lines)) <= 100
    assert sum("roc_auc" in line for line in lines) >= 3  # in blocks of four


def test_names_in_a_sentence():
    assert [listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])] == ["a", "a and b", "a, b and c"]


def test_the_best_so_far_never_gets_worse():
    points = [(0, 0.5), (1, 0.7), (2, 0.6)]
    assert best_so_far(points, larger_is_better=True) == [(0, 0.5), (1, 0.7), (2, 0.7)]
    assert best_so_far(points, larger_is_better=False) == [(0, 0.5), (1, 0.5), (2, 0.5)]


def test_the_page_shows_all_and_trusts_nobody():
    # given names and values that would like to be markup
    evil = "<script>alert(1)</script>"
    spec = {**SPEC, "target": evil}
    data = changed(columns={evil: digest("7")})
    trials = [trial(0, 0.8, algorithm=evil), trial(1, 0.9)]
    ledgers = [ledger_of(1), ledger_of(2, spec=spec, data=data, trials=trials, params={evil: evil})]
    # when
    page = comparison_page(compare_ledgers(ledgers), ledgers)
    # then it is text, everything is there, and the same runs give the same bytes
    assert evil not in page
    assert "&lt;script&gt;" in page
    for part in ("What differs", "0.8800 to 0.9400", "heart-1", "heart-2", "<svg"):
        assert part in page
    assert page == comparison_page(compare_ledgers(ledgers), ledgers)
    assert "http://" not in page.replace("http://www.w3.org", "")


def test_the_page_of_runs_without_a_search_says_so():
    ledgers = [ledger_of(1, trials=[], search=None, chosen=None), ledger_of(1, trials=[], search=None, chosen=None)]
    page = comparison_page(compare_ledgers(ledgers), ledgers)
    assert page.count("There was nothing to choose.") == 2
    assert "Nothing but the time that they took." in page
