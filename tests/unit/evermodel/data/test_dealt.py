"""What deals rows to the test and the folds looks at features only: a twin with another answer tells nothing."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score

from evermodel.data.digest import dealt_by, distinct_rows
from evermodel.training.material import make_material
from evermodel_api.training import TrainingSpec


def spec(**split):
    document = {
        "target": "y",
        "data": {"sources": [{"name": "rows", "file": {"uri": "rows.csv"}}], "split": {"test": 0.25, **split}},
        "algorithms": [{"name": "only", "estimator": "GaussianNB"}],
        "validation": {"cv": {"folds": 4}},
    }
    return TrainingSpec.model_validate(document)


def with_twins(rows, contents, seed):
    """Rows whose features repeat, and whose answers are tossed."""
    generator = np.random.default_rng(seed)
    features = generator.normal(size=(contents, 3))
    frame = pd.DataFrame(features[generator.integers(0, contents, rows)], columns=["a", "b", "c"])
    return frame.assign(y=np.where(generator.random(rows) < 0.5, "yes", "no"))


def auc(material, training, validation):
    forest = RandomForestClassifier(50, random_state=0).fit(training.frame, training.truth)
    return roc_auc_score(validation.truth, forest.predict_proba(validation.frame)[:, 1])


@pytest.mark.parametrize("contents", [1500, 600, 60])
@pytest.mark.parametrize("kind", ["Stratified", "Random"])
def test_tossed_answers_cannot_be_told_and_not_be_told_wrongly_either(contents, kind):
    # given answers that nothing says anything about, and rows whose twins may have the other answer
    found = []
    for seed in range(4):
        material = make_material(with_twins(2000, contents, seed), spec(kind=kind))
        # when a forest that remembers every row is measured on the test and on a fold
        found.append(auc(material, material.training, material.test))
        training, validation = material.folds(spec(kind=kind))[0]
        found.append(auc(material, material.training.where(training), material.training.where(validation)))
    # then it is right as often as chance is
    assert np.mean(found) == pytest.approx(0.5, abs=0.03)


def test_equal_features_are_on_one_side_where_most_rows_are_their_own():
    material = make_material(with_twins(1000, 900, 0), spec(kind="Random"))
    train = set(map(tuple, material.training.frame.to_numpy()))
    assert not [row for row in map(tuple, material.test.frame.to_numpy()) if row in train]


@given(st.lists(st.integers(0, 3), min_size=1, max_size=40))
def test_rows_that_are_dealt_alike_are_those_of_equal_features_or_none(contents):
    features = np.stack([np.array(contents, dtype=np.uint64) * 7919, np.ones(len(contents), dtype=np.uint64)], axis=1)
    dealt = dealt_by(features)
    numbers, distinct = distinct_rows(dealt)
    if 2 * len(set(contents)) >= len(contents):
        assert len(distinct) == len(set(contents))
    else:
        assert len(distinct) == len(contents)
    assert numbers.max() == len(distinct) - 1
