"""The plain scikit-learn script: what a good engineer writes for one table, one estimator and one model file.

It knows nothing of Evermodel. python -m tests.bench.training.plain TABLE ESTIMATOR MODEL
"""

from __future__ import annotations

import json
import sys
from typing import Any

import joblib
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

SEED = 42


def estimator_of(name: str) -> Any:
    """The estimator with the library's own parameters."""
    if name == "LogisticRegression":
        from sklearn.linear_model import LogisticRegression

        return LogisticRegression(random_state=SEED)
    if name == "HistGradientBoostingClassifier":
        from sklearn.ensemble import HistGradientBoostingClassifier

        return HistGradientBoostingClassifier(random_state=SEED)
    from xgboost import XGBClassifier

    return XGBClassifier(tree_method="hist", random_state=SEED)


def pipeline_of(name: str, numbers: list[str], categories: list[str]) -> Pipeline:
    """Scaled numbers and one-hot categories for a linear model; categories as numbers for trees."""
    if name == "LogisticRegression":
        scaled = Pipeline([("fill", SimpleImputer(strategy="median")), ("scale", StandardScaler())])
        columns = [("numbers", scaled, numbers), ("categories", OneHotEncoder(handle_unknown="ignore"), categories)]
    else:
        encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
        columns = [("numbers", SimpleImputer(strategy="median"), numbers), ("categories", encoder, categories)]
    return Pipeline([("columns", ColumnTransformer(columns)), ("estimator", estimator_of(name))])


def main() -> None:
    """Read, divide, fit, measure, write the model."""
    table, name, path = sys.argv[1:]
    rows = pd.read_parquet(table)
    target = rows.pop("bought")
    numbers = list(rows.select_dtypes("number").columns)
    categories = [column for column in rows.columns if column not in numbers]
    training, test, truth, test_truth = train_test_split(
        rows, target, test_size=0.2, stratify=target, random_state=SEED
    )
    del rows
    model = pipeline_of(name, numbers, categories)
    model.fit(training, truth)
    probabilities = model.predict_proba(test)[:, 1]
    predicted = probabilities > 0.5
    joblib.dump(model, path)
    scores = {
        "roc_auc": roc_auc_score(test_truth, probabilities),
        "f1": f1_score(test_truth, predicted),
        "precision": precision_score(test_truth, predicted),
        "recall": recall_score(test_truth, predicted),
        "accuracy": accuracy_score(test_truth, predicted),
    }
    print(json.dumps({"metrics": {metric: float(score) for metric, score in scores.items()}}))  # noqa: T201  the answer


if __name__ == "__main__":
    main()
