"""One fit: what is made for training only stays there, and no row that is measured on is ever looked at."""

import numpy as np
import pandas as pd
import pytest

from evermodel.artifact.model import answer
from evermodel.artifact.skops_file import dump_model, load_model
from evermodel.errors import SpecError
from evermodel.training.develop import Objective, fit_winner
from evermodel.training.fitting import fit
from evermodel.training.material import make_material
from evermodel_api.training import TrainingSpec

ROWS = 240


def patients(seed=0, ill=0.25):
    generator = np.random.default_rng(seed)
    y = generator.random(ROWS) < ill
    frame = pd.DataFrame({"a": y * 1.2 + generator.normal(size=ROWS), "b": generator.normal(size=ROWS)})
    frame["ward"] = np.where(generator.random(ROWS) < 0.5, "north", "south")
    return frame.assign(y=np.where(y, "ill", "well"))


def spec(algorithm=None, **parts):
    document = {
        "target": "y",
        "data": {"sources": [{"name": "rows", "file": {"uri": "rows.csv"}}], **parts.pop("data", {})},
        "algorithms": [algorithm or {"name": "only", "estimator": "LogisticRegression"}],
        **parts,
    }
    return TrainingSpec.model_validate(document)


def fitted(frame, asked):
    material = make_material(frame, asked)
    return material, fit(material.recipe, asked.algorithms[0], {}, material.training)


def balance(material, model):
    """Share of the training rows that the model answers with the first class."""
    predicted, _ = answer(model, material.signature, material.training.frame)
    return float(np.mean(predicted == 0))


@pytest.mark.parametrize(
    "parts",
    [
        {"pipeline": {"resample": {"RandomOverSampler": {}}}},
        {"pipeline": {"resample": {"SMOTE": {}}}},
        {"data": {"rows": [{"augment": {"method": "oversample"}}]}},
        {"data": {"rows": [{"augment": {"method": "undersample"}}]}},
    ],
    ids=["RandomOverSampler", "SMOTE", "oversample", "undersample"],
)
def test_balanced_classes_are_found_more_often_and_nothing_of_it_is_served(parts):
    # given rows of which a quarter is of the first class
    plain, model = fitted(patients(), spec())
    # when the classes are balanced inside the fit
    material, balanced = fitted(patients(), spec(**parts))
    # then it finds more of the rare class, on the same rows
    assert balance(material, balanced.model) > balance(plain, model.model) + 0.05
    # and what is served is the plain pipeline, which goes through its file
    assert [name for name, _ in balanced.model.steps] == ["columns", "estimator"]
    again = load_model(dump_model(balanced.model))
    for one, other in zip(
        answer(again, material.signature, material.test.frame),
        answer(balanced.model, material.signature, material.test.frame),
        strict=True,
    ):
        np.testing.assert_array_equal(one, other)


def test_jitter_adds_rows_to_the_fit_and_to_nothing_else():
    rows = [{"augment": {"method": "jitter", "columns": ["a"], "scale": 0.1, "times": 3}}]
    algorithm = {"name": "only", "estimator": "KNeighborsClassifier"}
    material, model = fitted(patients(), spec(algorithm, data={"rows": rows}))
    assert model.model.steps[-1][1].n_samples_fit_ == 4 * len(material.training)
    assert len(material.training) + len(material.test) == ROWS


def test_calibration_keeps_the_order_and_is_served():
    algorithm = {"name": "only", "estimator": "GaussianNB"}
    asked = spec(algorithm, validation={"calibration": {"method": "isotonic", "folds": 4}})
    material, model = fitted(patients(), asked)
    again = load_model(dump_model(model.model))
    _, probabilities = answer(again, material.signature, material.test.frame)
    assert probabilities.sum(axis=1) == pytest.approx(1.0)
    truth = material.test.truth
    assert np.mean(probabilities[truth == 0, 0]) > np.mean(probabilities[truth == 1, 0])


def test_the_same_rows_in_another_order_make_the_same_model():
    parts = {
        "data": {"rows": [{"augment": {"method": "jitter", "columns": ["a", "b"]}}]},
        "pipeline": {"resample": {"SMOTE": {}}, "select": {"SelectKBest": {"k": 2}}},
        "validation": {"calibration": {}},
    }
    frame = patients()
    one = fitted(frame, spec(**parts))[1].model
    other = fitted(frame.sample(frac=1, random_state=3), spec(**parts))[1].model
    assert dump_model(one) == dump_model(other)


LEARNERS = [
    {"SimpleImputer": {"strategy": "mean"}},
    {"StandardScaler": {}},
]


@pytest.mark.parametrize(
    "pipeline",
    [
        {"columns": [{"name": "n", "select": {"type": "number"}, "steps": LEARNERS}]},
        {
            "columns": [{"name": "n", "select": {"type": "number"}, "steps": LEARNERS}],
            "select": {"SelectKBest": {"k": 1}},
        },
        {
            "columns": [{"name": "n", "select": {"type": "number"}, "steps": LEARNERS}],
            "resample": {"RandomOverSampler": {}},
        },
        {
            "columns": [
                {"name": "n", "select": {"type": "number"}, "steps": LEARNERS},
                {"name": "c", "select": {"columns": ["ward"]}, "steps": [{"TargetEncoder": {"cv": 3}}]},
            ]
        },
    ],
    ids=["scaled", "selected", "resampled", "target encoded"],
)
@pytest.mark.parametrize("side", ["test", "validation"])
def test_a_canary_in_rows_that_are_measured_on_is_never_learnt(pipeline, side, monkeypatch):
    # given rows that are held out, or of a fold, in which every number is turned into something absurd
    asked = spec(
        pipeline=pipeline,
        data={"rows": [{"augment": {"method": "jitter", "columns": ["a"]}}]},
        validation={"cv": {"folds": 3}, "calibration": {"folds": 3}},
    )
    material = make_material(patients(), asked)
    masks = material.folds(asked)
    inside = masks[0][0] if side == "validation" else np.ones(len(material.training), dtype=bool)
    clean = fit(material.recipe, asked.algorithms[0], {}, material.training.where(inside))
    sung = material.training.frame.copy()
    sung.loc[~inside, ["a", "b"]] = 1e6
    material.test.frame[["a", "b"]] = 1e6
    object.__setattr__(material.training, "frame", sung)
    # when the same fit is made again
    again = fit(material.recipe, asked.algorithms[0], {}, material.training.where(inside))
    # then nothing of the model has changed
    assert dump_model(again.model) == dump_model(clean.model)
    # and the fold is measured on the absurd rows, so the canary was there
    if side == "validation":
        scores = Objective(asked, material, masks).fit_fold(asked.algorithms[0], {}, 0).fold.scores
        assert scores["roc_auc"] < 0.65


def test_a_threshold_is_tuned_on_rows_that_were_not_fitted_on_and_answers_with_it():
    asked = spec(validation={"threshold": {"metric": "recall", "minPrecision": 0.3}, "cv": {"folds": 4}})
    material = make_material(patients(ill=0.7), asked)
    winner = fit_winner(asked, material, asked.algorithms[0], {}, material.folds(asked), None)
    assert winner.threshold is not None
    assert 0 < winner.threshold < 0.5  # recall is wanted
    predicted, probabilities = answer(winner.model, winner.signature, material.test.frame)
    assert (predicted == (probabilities[:, 1] >= winner.threshold)).all()


def test_a_threshold_needs_two_classes():
    frame = patients().assign(y=np.tile(["a", "b", "c"], ROWS // 3))
    asked = spec(validation={"threshold": {}, "cv": {"folds": 3}})
    material = make_material(frame, asked)
    with pytest.raises(SpecError, match="divides two classes, and the target 'y' has 3"):
        fit_winner(asked, material, asked.algorithms[0], {}, material.folds(asked), None)


def test_dates_are_taken_as_text_and_answered():
    frame = patients().assign(seen=pd.date_range("2026-01-01", periods=ROWS, freq="7h"))
    pipeline = {
        "prepare": [{"dateParts": {"of": "seen", "parts": ["month", "weekday"]}}],
        "columns": [
            {"name": "n", "select": {"type": "number"}, "steps": [{"SimpleImputer": {}}, {"StandardScaler": {}}]}
        ],
    }
    material, model = fitted(frame, spec(pipeline=pipeline))
    column = next(column for column in material.signature.columns if column.name == "seen")
    assert (column.kind, column.datatype, column.format) == ("category", "BYTES", "date-time")
    predicted, _ = answer(model.model, material.signature, material.test.frame.assign(seen="2026-05-03T10:00:00Z"))
    assert len(predicted) == len(material.test)
