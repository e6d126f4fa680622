"""Small real models in a real store, written through the artifact's own functions."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from evermodel.artifact import manifest as names
from evermodel.artifact.build import build_golden, column_signature, environment, try_missing
from evermodel.artifact.frame import model_frame
from evermodel.artifact.model import Predictions, answer
from evermodel.artifact.profiling import build_baseline
from evermodel.artifact.records import RunRecord, write_record
from evermodel.artifact.signature import Signature
from evermodel.artifact.skops_file import dump_model
from evermodel.artifact.store import make_manifest, write_artifact
from evermodel.training.forms import Forms, with_compiled
from evermodel_api.digest import digest_bytes
from evermodel_api.runs import Outcome
from evermodel_api.training import Task
from evermodel_api.version import Artifact


@dataclass(frozen=True)
class MadeModel:
    """A model in a store."""

    store: Path
    version: str
    artifact: Artifact
    signature: Signature
    pipeline: Any

    @property
    def model(self) -> str:
        return self.version.rpartition("-")[0]


def _signature(frame: pd.DataFrame, target: str, task: Task, classes: list[Any]) -> Signature:
    columns = []
    for name in frame.columns:
        dtype = frame[name].dtype
        if dtype.kind == "b":
            kind, datatype, cells = "category", "BOOL", np.array([str(v).lower() for v in frame[name]], dtype=object)
        elif dtype.kind in "if":
            datatype = "INT64" if dtype.kind == "i" else "FP64"
            kind, cells = "number", frame[name].to_numpy(np.float64)
        else:
            kind, datatype = "category", "BYTES"
            cells = np.array([None if pd.isna(v) else v for v in frame[name]], dtype=object)
        columns.append(column_signature(name, kind, datatype, cells))
    return Signature(task=task, target=target, columns=columns, classes=classes)


def make_model(
    store: Path, version: str, frame: pd.DataFrame, truth: pd.Series, pipeline: Any, classes: list[Any] | None = None
) -> MadeModel:
    """Fit, and write artifact and record as a training does."""
    task = Task.CLASSIFICATION if classes else Task.REGRESSION
    signature = _signature(frame, str(truth.name), task, classes or [])
    rows = model_frame(signature, frame)
    pipeline.fit(rows.where(~rows.isna(), np.nan), [classes.index(v) for v in truth] if classes else truth)
    signature = try_missing(pipeline, signature, rows)
    values, probabilities = answer(pipeline, signature, rows)
    labels = [signature.classes[int(v)] for v in values] if classes else values.tolist()
    estimator = type(pipeline).__name__
    documents = {
        names.SIGNATURE: signature,
        names.GOLDEN: build_golden(signature, rows, Predictions(labels, probabilities), estimator),
        names.BASELINE: build_baseline(signature, rows, {"accuracy": 0.9} if classes else {"rmse": 0.1}),
    }
    contents = {name: document.model_dump_json(by_alias=True).encode() for name, document in documents.items()}
    contents |= with_compiled(Forms(pipeline, {names.MODEL: dump_model(pipeline)}), signature, rows).files
    contents[names.EVALUATION] = b"{}"
    contents[names.ENVIRONMENT] = json.dumps(environment()).encode()
    artifact = write_artifact(str(store), make_manifest(task, estimator, contents), contents)
    model, _, run = version.rpartition("-")
    record = RunRecord(
        outcome=Outcome.SUCCEEDED, message="made for a test", artifact=artifact, order=digest_bytes(version.encode())
    )
    write_record(str(store), model, int(run), record)
    return MadeModel(store, version, artifact, signature, pipeline)


def make_line(store: Path, version: str = "line-1") -> MadeModel:
    x = np.arange(20, dtype=float)
    frame = pd.DataFrame({"x": x})
    return make_model(store, version, frame, pd.Series(2 * x + 4, name="y"), LinearRegression())


def make_patients(store: Path, version: str = "patients-1") -> MadeModel:
    rng = np.random.default_rng(7)
    n = 200
    age = rng.normal(55, 9, n).round()
    sex = rng.choice(["female", "male"], n)
    frame = pd.DataFrame(
        {"age": np.where(rng.random(n) < 0.05, np.nan, age), "sex": sex, "smoker": rng.random(n) < 0.4}
    )
    truth = pd.Series(np.where(age + 8 * (sex == "male") + rng.normal(0, 4, n) > 59, "ill", "well"), name="state")
    numbers = Pipeline([("impute", SimpleImputer()), ("scale", StandardScaler())])
    columns = ColumnTransformer(
        [("numbers", numbers, ["age"]), ("categories", OneHotEncoder(handle_unknown="ignore"), ["sex", "smoker"])]
    )
    pipeline = Pipeline([("columns", columns), ("model", LogisticRegression())])
    return make_model(store, version, frame, truth, pipeline, ["ill", "well"])


def make_neighbours(store: Path, version: str) -> MadeModel:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(rng.normal(size=(60, 4)), columns=["a", "b", "c", "d"])
    truth = pd.Series((frame["a"] > 0).astype(int), name="z")
    return make_model(store, version, frame, truth, KNeighborsClassifier(n_neighbors=3), [0, 1])


RENT = ["area", "year", "bedrooms", "garden", "balcony", "parking", "furnished", "garage", "storage"]


def make_rent(store: Path, version: str = "rent-1") -> MadeModel:
    rng = np.random.default_rng(0)
    rows = np.column_stack([rng.integers(30, 200, 80), rng.integers(1950, 2024, 80), rng.integers(1, 6, 80)])
    rows = np.column_stack([rows, rng.integers(0, 60, 80), rng.integers(0, 2, (80, 5))])
    frame = pd.DataFrame(rows, columns=RENT)
    truth = pd.Series(frame["area"] * 9.0 + frame["parking"] * 50, name="rent")
    return make_model(store, version, frame, truth, RandomForestRegressor(n_estimators=100, random_state=0))


@pytest.fixture(scope="session")
def store(tmp_path_factory) -> Path:
    """One store for all models; tests that write to it use `tmp_path`."""
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="session")
def line(store) -> MadeModel:
    return make_line(store)


@pytest.fixture(scope="session")
def patients(store) -> MadeModel:
    return make_patients(store)


@pytest.fixture(scope="session")
def neighbours(store) -> MadeModel:
    """A model that has no compiled form."""
    return make_neighbours(store, "neighbours-1")


@pytest.fixture(scope="session")
def rent(store) -> MadeModel:
    return make_rent(store)
