"""Quick steps learn what scikit-learn's own learn, to the bit, and leave no trace in the model."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from evermodel.artifact.skops_file import dump_model
from evermodel.training.quick_steps import QuickColumns, QuickImputer, make_plain, median, quicken

numbers = st.floats(-1e6, 1e6) | st.just(float("nan")) | st.just(-0.0)
texts = st.sampled_from(["a", "b", "c", float("nan")])  # as `estimator_frame` says that one is missing


def fitted(model, *rows: object):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # columns without any value
        return model.fit(*rows)


def both(model, *rows: object):
    """The model as scikit-learn fits it, and as quick steps do."""
    plain, quick = clone(model), clone(model)
    quicken(quick)
    fitted(plain, *rows), fitted(quick, *rows)
    return plain, quick


def assert_same(one, other):
    one, other = (np.asarray(each.todense() if hasattr(each, "todense") else each) for each in (one, other))
    assert one.dtype == other.dtype
    assert one.shape == other.shape
    assert one.tobytes() == other.tobytes()


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=40))
def test_the_median_is_numpys(values):
    assert median(np.array(values), 0.0) == np.median(values)


@settings(deadline=None)
@given(st.lists(st.tuples(numbers, numbers), min_size=1, max_size=30), st.booleans())
def test_the_imputer_learns_the_same_medians(rows, keep):
    # given a frame of numbers with gaps
    frame = pd.DataFrame(rows, columns=["a", "b"])
    # when both learn, then what they learnt and what they give is the same
    plain, quick = both(SimpleImputer(strategy="median", keep_empty_features=keep), frame)
    assert isinstance(quick, QuickImputer)
    assert_same(plain.statistics_ + 0.0, quick.statistics_)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # columns without any value
        assert_same(plain.transform(frame) + 0.0, quick.transform(frame) + 0.0)
    assert list(plain.get_feature_names_out()) == list(quick.get_feature_names_out())


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.tuples(texts, texts), min_size=1, max_size=60),
    st.lists(st.tuples(texts, st.sampled_from(["a", "new", float("nan")])), min_size=1, max_size=10),
    st.sampled_from([None, 2]),
)
def test_encoders_learn_and_give_the_same(rows, later, most):
    # given texts, few of them different, and rows that come later with a level that was never seen
    frame = pd.DataFrame(rows * 20, columns=["a", "b"], dtype=object)
    asked = pd.DataFrame(later, columns=["a", "b"], dtype=object)
    known = {"handle_unknown": "use_encoded_value", "unknown_value": -1}
    for model in (OneHotEncoder(handle_unknown="ignore", max_categories=most), OrdinalEncoder(**known)):
        # when both learn, then they know the same levels and give the same numbers
        plain, quick = both(model, frame)
        for one, other in zip(plain.categories_, quick.categories_, strict=True):
            assert list(map(repr, one)) == list(map(repr, other))
        assert_same(plain.transform(frame), quick.transform(frame))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # unknown levels
            assert_same(plain.transform(asked), quick.transform(asked))


def pipeline(*, sparse):
    numbers = Pipeline([("fill", SimpleImputer(strategy="median")), ("scale", StandardScaler())])
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=sparse)
    columns = ColumnTransformer(
        [("numbers", numbers, ["x", "y"]), ("texts", Pipeline([("encode", encoder)]), ["sex", "site"])],
        sparse_threshold=0.0,
    )
    return Pipeline([("columns", columns), ("model", LogisticRegression())])


@pytest.mark.parametrize("sparse", [False, True])
def test_a_pipeline_has_the_same_bytes_when_it_is_plain_again(sparse):
    # given rows of numbers and texts with gaps
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.normal(size=500), "y": np.where(rng.random(500) < 0.1, np.nan, 1.0)})
    frame["sex"] = rng.choice(["f", "m"], 500)
    frame["site"] = rng.choice(["n", "s", "w"], 500)
    truth = (frame["x"] > 0).astype(int)
    # when it is fitted by quick steps, and made plain
    plain, quick = both(pipeline(sparse=sparse), frame, truth)
    assert isinstance(quick.named_steps["columns"], QuickColumns)
    make_plain(quick)
    # then nothing tells the two apart
    assert dump_model(plain) == dump_model(quick)
    assert_same(plain.predict_proba(frame), quick.predict_proba(frame))


def test_what_is_not_a_frame_of_doubles_is_left_to_scikit_learn():
    whole = pd.DataFrame({"a": [1, 2, 3]})
    plain, quick = both(SimpleImputer(strategy="median"), whole)
    assert_same(plain.transform(whole), quick.transform(whole))
    with pytest.raises(ValueError, match="Input X contains infinity"):
        clone(quick).fit_transform(pd.DataFrame({"a": [1.0, np.inf]}))
