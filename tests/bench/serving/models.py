"""The models of the benchmark, each in the form that each server takes, with rows and the answers of scikit-learn."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from xgboost import XGBClassifier

from evermodel.artifact.build import column_signature
from evermodel.artifact.onnx_convert import _convert
from evermodel.artifact.onnx_file import export_onnx
from evermodel.artifact.signature import Signature
from evermodel_api.digest import digest_bytes
from evermodel_api.training import Task
from tests.bench.serving.competitors import ROWS, UNCOMPILED
from tests.bench.serving.setup import HOME, is_made, python_of
from tests.bench.training.made_table import TARGET, made_table
from tests.unit.evermodel.serving.conftest import make_model

_MADE_ROWS = 4000
_GAPS_WANTED = 20


@dataclass(frozen=True)
class Workload:
    """One model with the rows that are asked."""

    name: str
    frame: pd.DataFrame
    """The columns of the model, as they are trained on."""
    truth: pd.Series[int]
    pipeline: Any
    """Not fitted."""

    @property
    def by_name(self) -> bool:
        """Whether the model wants a data frame: it has categories."""
        return any(dtype.kind == "O" for dtype in self.frame.dtypes)

    @property
    def rows(self) -> pd.DataFrame:
        """The rows that are asked: with gaps among the numbers where the data have them, and the first one whole.

        Categories have no gaps here: servers that make a data frame of JSON hand on null, which scikit-learn takes
        for another category than NaN.
        """
        texts = [name for name, dtype in self.frame.dtypes.items() if dtype.kind == "O"]
        candidates = self.frame[self.frame[texts].notna().all(axis=1)]
        whole = candidates[candidates.notna().all(axis=1)].head(max(ROWS) - _GAPS_WANTED)
        gaps = candidates[candidates.isna().any(axis=1)].head(max(ROWS) - len(whole))
        return pd.concat([whole, gaps, candidates.head(0)]) if len(gaps) else candidates.head(max(ROWS))


def workload(name: str) -> Workload:
    """One of MODELS, or UNCOMPILED."""
    if name == "mixed":
        return _mixed()
    data = load_breast_cancer(as_frame=True)
    pipelines = {
        "lr": make_pipeline(StandardScaler(), LogisticRegression()),
        "forest": RandomForestClassifier(100, random_state=0),
        "xgboost": XGBClassifier(n_estimators=100, n_jobs=1, random_state=0),
        UNCOMPILED: KNeighborsClassifier(),
    }
    return Workload(name, data.data, data.target.rename("benign"), pipelines[name])


def _mixed() -> Workload:
    table = made_table(_MADE_ROWS, 0)
    frame = table.drop(columns=TARGET)
    texts = [name for name in frame.columns if name.startswith("c")]
    frame[texts] = frame[texts].astype(object).where(frame[texts].notna(), np.nan)
    numbers = [name for name in frame.columns if name not in texts]
    scaled = Pipeline([("impute", SimpleImputer(strategy="median")), ("scale", StandardScaler())])
    one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    encoded = Pipeline([("impute", SimpleImputer(strategy="most_frequent")), ("encode", one_hot)])
    columns = ColumnTransformer([("numbers", scaled, numbers), ("texts", encoded, texts)])
    pipeline = Pipeline([("columns", columns), ("model", LogisticRegression(max_iter=1000))])
    return Workload("mixed", frame, table[TARGET], pipeline)


def folder_of(name: str) -> Path:
    """Where a model's files are: model.joblib, model.onnx, mlflow/, store/, rows.json."""
    return HOME / "models" / name


def prepare(name: str, *, mlflow: bool) -> Path:
    """Fit a model and write all its forms anew, with the code of today and an empty log; its folder."""
    folder = folder_of(name)
    shutil.rmtree(folder / "store", ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    _write(workload(name), folder)
    if mlflow and is_made("mlflow"):
        _save_mlflow(folder)
    return folder


def _save_mlflow(folder: Path) -> None:
    """MLflow's form, made in its venv; it stays while the model does."""
    stamp, digest = folder / "mlflow.of", digest_bytes((folder / "model.joblib").read_bytes())
    if not stamp.exists() or stamp.read_text() != digest:
        script = Path(__file__).with_name("peers") / "save_mlflow.py"
        subprocess.run([str(python_of("mlflow")), str(script), str(folder)], check=True, capture_output=True)
        stamp.write_text(digest)


def _write(made: Workload, folder: Path) -> None:
    rows = made.rows
    fitted = clone(made.pipeline)
    if made.by_name:
        (folder / "by-name").touch()
        fitted.fit(made.frame, made.truth)
        answers = fitted.predict(rows)
    else:
        fitted.fit(made.frame.to_numpy(), made.truth.to_numpy())
        answers = fitted.predict(rows.to_numpy())
    joblib.dump(fitted, folder / "model.joblib")
    if made.name != UNCOMPILED:
        (folder / "model.onnx").write_bytes(_onnx(made, fitted))
    make_model(folder / "store", f"{made.name}-1", made.frame, made.truth, clone(made.pipeline), [0, 1])
    cells = rows.astype(object).where(rows.notna(), None).to_numpy().tolist()
    told = {"columns": list(rows.columns), "rows": cells, "labels": [int(label) for label in answers]}
    (folder / "rows.json").write_text(json.dumps(told))


def _onnx(made: Workload, fitted: Any) -> bytes:
    """In single precision and with one tensor where all columns are numbers: the quickest that ONNX Runtime has."""
    if not made.by_name:
        return bytes(_convert(fitted, made.frame.shape[1], double=False).SerializeToString())
    columns = [
        column_signature(name, "category" if dtype.kind == "O" else "number", "BYTES" if dtype.kind == "O" else "FP64",
                         made.frame[name])
        for name, dtype in made.frame.dtypes.items()
    ]  # fmt: skip
    signature = Signature(task=Task.CLASSIFICATION, target=TARGET, columns=columns, classes=[0, 1])
    exported = export_onnx(fitted, signature, made.frame)
    if exported.content is None:
        raise RuntimeError(f"{made.name} has no form in ONNX: {exported.refusal}")
    return exported.content
