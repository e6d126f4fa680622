"""Fits every class that a spec may name, and says what came of it: one line of JSON for each.

Run in processes that differ in all that must not count. Prints [label, sha256 of the model's bytes, whether the loaded
model answers alike].
"""

import hashlib
import inspect
import json
import sys
import warnings

import numpy as np

from evermodel.artifact.skops_file import dump_model, load_model
from evermodel.training.classes import (
    make_estimator,
    make_sampler,
    make_selector,
    make_transformer,
    with_probabilities,
)
from evermodel.training.libraries import MORE_PARAMETERS, load_class
from evermodel.training.repeatable import repeatable
from evermodel_api.training import Task
from evermodel_api.training.classes import OF_TASK, SAMPLERS, SELECTORS, TRANSFORMERS

ROWS, SEED = 160, 3
CLASSIFIERS_INSIDE = [{"a": {"LogisticRegression": {}}}, {"b": {"DecisionTreeClassifier": {}}}]
REGRESSORS_INSIDE = [{"a": {"Ridge": {}}}, {"b": {"DecisionTreeRegressor": {}}}]
QUICK = {
    "BaggingClassifier": {"estimator": {"XGBClassifier": {"n_estimators": 2}}, "n_estimators": 3},
    "BisectingKMeans": {"n_clusters": 3},
    "DictionaryLearning": {"max_iter": 5},
    "GaussianRandomProjection": {"n_components": 3},
    "GradientBoostingClassifier": {"n_estimators": 10},
    "HistGradientBoostingClassifier": {"max_iter": 5, "early_stopping": True},
    "HistGradientBoostingRegressor": {"max_iter": 5},
    "KMeansSMOTE": {"cluster_balance_threshold": 0.0},
    "LGBMClassifier": {"n_estimators": 5},
    "LGBMRegressor": {"n_estimators": 5},
    "LatentDirichletAllocation": {"max_iter": 3},
    "MLPClassifier": {"max_iter": 8},
    "MLPRegressor": {"max_iter": 8},
    "MiniBatchDictionaryLearning": {"max_iter": 5},
    "MiniBatchSparsePCA": {"max_iter": 5},
    "NuSVC": {"nu": 0.1},
    "RadiusNeighborsClassifier": {"radius": 50.0},
    "RadiusNeighborsRegressor": {"radius": 50.0},
    "SelectKBest": {"k": 3, "score_func": "mutual_info_classif"},
    "SequentialFeatureSelector": {"n_features_to_select": 2, "cv": 3},
    "SparseRandomProjection": {"n_components": 3},
    "StackingClassifier": {"estimators": CLASSIFIERS_INSIDE},
    "StackingRegressor": {"estimators": REGRESSORS_INSIDE},
    "TheilSenRegressor": {"max_subpopulation": 200},
    "VotingClassifier": {"estimators": CLASSIFIERS_INSIDE},
    "VotingRegressor": {"estimators": REGRESSORS_INSIDE},
    "XGBClassifier": {"n_estimators": 5},
    "XGBRegressor": {"n_estimators": 5},
}
SMALL_FORESTS = {"n_estimators": 8}

generator = np.random.default_rng(0)
NUMBERS = generator.normal(size=(ROWS, 8))
TARGET = NUMBERS @ generator.normal(size=8) + generator.normal(size=ROWS)
CLASSES = (TARGET > -1).astype(int) + (TARGET > 1)
UNEVEN = (TARGET > 1.5).astype(int)
COUNTS = np.floor(np.abs(NUMBERS))
TEXTS = np.floor(NUMBERS).astype(str).astype(object)
GAPS = np.where(NUMBERS > 1, np.nan, NUMBERS)
# where neighbours are at equal distances, threads decide which are taken
TIES = np.round(NUMBERS)


def params_of(name, jobs):
    params = dict(QUICK.get(name, SMALL_FORESTS if "Trees" in name or "Forest" in name else {}))
    takes = (
        name in MORE_PARAMETERS or name.startswith("XGB") or "n_jobs" in inspect.signature(load_class(name)).parameters
    )
    return {**params, "n_jobs": jobs} if jobs != 1 and takes else params


def rows_of(name):
    if name in {"MultinomialNB", "ComplementNB", "CategoricalNB"}:
        return COUNTS
    if name in {"OneHotEncoder", "OrdinalEncoder", "TargetEncoder"}:
        return TEXTS
    if name in {"SimpleImputer", "KNNImputer", "IterativeImputer", "MissingIndicator"}:
        return GAPS
    if "Neighbors" in name or (name in SAMPLERS and name not in {"ADASYN", "KMeansSMOTE"}):
        return TIES
    if name == "IsotonicRegression":
        return NUMBERS[:, :1]
    return np.abs(NUMBERS) if name in TRANSFORMERS else NUMBERS


def cases(jobs):
    """Label, class that is not fitted, rows, truth, and how it is asked."""
    for task, names in OF_TASK.items():
        for name in names:
            made = make_estimator(name, params_of(name, jobs), task, SEED, name)
            truth = np.exp(TARGET / 4) if name in {"GammaRegressor", "PoissonRegressor", "TweedieRegressor"} else TARGET
            if task is Task.CLASSIFICATION:
                yield name, with_probabilities(made), rows_of(name), CLASSES, "predict_proba"
            else:
                yield name, made, rows_of(name), truth, "predict"
    for name in TRANSFORMERS:
        made = make_transformer(name, params_of(name, jobs), SEED, name)
        yield f"transformer {name}", made, rows_of(name), CLASSES, "transform"
    for name in SELECTORS:
        made = make_selector(name, params_of(name, jobs), Task.CLASSIFICATION, SEED, name)
        yield f"selector {name}", made, NUMBERS, CLASSES, "transform"


def main(jobs):
    for label, made, rows, truth, asked in cases(jobs):
        with repeatable(made, SEED):
            made.fit(rows, truth)
            content = dump_model(made)
            loaded = load_model(content)
            here, there = (as_array(getattr(model, asked)(rows)) for model in (made, loaded))
        alike = bool(np.allclose(here, there, rtol=0, atol=1e-15, equal_nan=True)) and dump_model(loaded) == content
        print(json.dumps([label, hashlib.sha256(content).hexdigest(), alike]), flush=True)  # noqa: T201  it is what it is for
    for name in SAMPLERS:
        sampler = make_sampler(name, params_of(name, jobs), SEED, name)
        with repeatable(sampler, SEED):
            rows, truth = sampler.fit_resample(rows_of(name), UNEVEN)
        print(json.dumps([f"sampler {name}", hashlib.sha256(rows.tobytes() + truth.tobytes()).hexdigest(), True]))  # noqa: T201


def as_array(answers):
    return np.asarray(answers.toarray() if hasattr(answers, "toarray") else answers)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(int(sys.argv[1]))
