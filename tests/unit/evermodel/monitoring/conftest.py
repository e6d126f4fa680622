"""A small ward: patients, a model that was trained on them, and a server's log, written by the layout of the store."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from evermodel.artifact import layout, manifest
from evermodel.artifact.build import build_golden, column_signature, environment
from evermodel.artifact.model import Predictions, load_artifact, model_frame, predict
from evermodel.artifact.profiling import build_baseline
from evermodel.artifact.records import RunRecord, write_record
from evermodel.artifact.signature import Signature
from evermodel.artifact.skops_file import dump_model
from evermodel.artifact.store import make_manifest, write_artifact
from evermodel.metrics import Answers, measure
from evermodel.training.answers_profile import complete_baseline
from evermodel_api.monitor import Memory, MonitorSpec, Situation
from evermodel_api.runs import MonitorOrder, Outcome
from evermodel_api.training import Metric, Task
from evermodel_api.version import Artifact

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
NUMBERS = ["age", "chol", "pulse"]


def patients(rows, seed, older=0.0, sicker=0.0):
    """Patients with their diagnosis; `older` in years, `sicker` in log-odds at the same readings."""
    draw = np.random.default_rng(seed)
    age = draw.normal(54 + older, 9, rows).round()
    chol = draw.normal(246 + 2 * older, 50, rows).round()
    pulse = draw.normal(150 - older, 22, rows).round()
    sex = draw.choice(["female", "male"], rows, p=[0.4, 0.6])
    odds = 0.12 * (age - 54) - 0.04 * (pulse - 150) + 1.2 * (sex == "male") - 0.6 + sicker
    disease = (draw.random(rows) < 1 / (1 + np.exp(-odds))).astype(int)
    return pd.DataFrame({"age": age, "chol": chol, "pulse": pulse, "sex": sex, "disease": disease})


@dataclass
class Ward:
    """A store with one trained version, and the log of its server."""

    store: Path
    artifact: Artifact
    version: str = "heart-1"
    deployment: str = "heart"
    files: int = field(default=0)

    @property
    def loaded(self):
        return load_artifact(self.artifact.uri, self.artifact.digest)

    def serve(self, rows, at, labels=1.0, seed=0):
        """Log these rows as answered from `at` on, a second apart; that share of them gets a label an hour later."""
        loaded = self.loaded
        answers = predict(loaded, model_frame(loaded.signature, rows))
        ids = [f"{at:%H%M}-{seed}-{i}" for i in range(len(rows))]
        times = [at + timedelta(seconds=i) for i in range(len(rows))]
        columns = {
            layout.ID: pa.array(ids, pa.string()),
            layout.ROW: pa.array([0] * len(rows), pa.int32()),
            layout.AT: pa.array(times, pa.timestamp("us", tz="UTC")),
            layout.PREDICTION: pa.array([json.dumps(label) for label in answers.labels], pa.string()),
            layout.PROBABILITY: pa.array(answers.probabilities.tolist(), pa.list_(pa.float64())),
            **{name: pa.array(rows[name], pa.float64(), from_pandas=True) for name in NUMBERS},
            "sex": pa.array(rows["sex"], pa.string(), from_pandas=True),
        }
        self.write_log(pa.table(columns))
        given = np.random.default_rng(seed).random(len(rows)) < labels
        pairs = [(i, int(t)) for i, t, g in zip(ids, rows["disease"], given, strict=True) if g]
        self.label([i for i, _ in pairs], [t for _, t in pairs], at + timedelta(minutes=10))
        return ids

    def write_log(self, table):
        """One file for each hour of the table."""
        frame = pd.Series(table[layout.AT].to_pylist())
        for hour, places in frame.groupby(frame.map(layout.hour_name)):
            part = table.take(pa.array(places.index.to_numpy()))
            moment = part[layout.AT][0].as_py()
            self._write(layout.log_file(str(self.store), self.deployment, self.version, moment, self._name()), part)
            assert hour == layout.hour_name(moment)

    def label(self, ids, truths, at):
        """Labels as they come by feedback, all in one moment."""
        columns = {
            layout.ID: pa.array(ids, pa.string()),
            layout.ROW: pa.array([0] * len(ids), pa.int32()),
            layout.TRUTH: pa.array([json.dumps(t) for t in truths], pa.string()),
            layout.AT: pa.array([at] * len(ids), pa.timestamp("us", tz="UTC")),
        }
        self._write(layout.feedback_file(str(self.store), self.deployment, at, self._name()), pa.table(columns))

    def order(self, spec, now=NOW, memory=None, evaluation="1", situation=None):
        return MonitorOrder(
            namespace="ward",
            monitor="heart",
            evaluation=evaluation,
            deployment=self.deployment,
            version=self.version,
            artifact=self.artifact,
            spec=spec,
            store=str(self.store),
            now=now,
            memory=memory or Memory(),
            situation=situation or Situation(),
        )

    def _name(self):
        self.files += 1
        return layout.batch_name("pod", self.files)

    def _write(self, path, table):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, path)


def build_ward(store, seed=1, sicker=0.0):
    rows = patients(600, seed=seed, sicker=sicker)
    test = patients(200, seed=2)
    columns = [column_signature(name, "number", "FP64", rows[name].to_numpy(float)) for name in NUMBERS]
    columns.append(column_signature("sex", "category", "BYTES", rows["sex"].to_numpy(object)))
    signature = Signature(task=Task.CLASSIFICATION, target="disease", columns=columns, classes=[0, 1])
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    branches = make_column_transformer((numbers, NUMBERS), (OneHotEncoder(handle_unknown="ignore"), ["sex"]))
    frame = model_frame(signature, rows)
    model = make_pipeline(branches, LogisticRegression()).fit(frame, rows["disease"])
    probabilities = model.predict_proba(model_frame(signature, test))
    predicted = probabilities.argmax(axis=1)
    answers = Answers(test["disease"].to_numpy(float), predicted.astype(float), probabilities, 2)
    scores = {m.value: measure(m, answers) for m in (Metric.ACCURACY, Metric.ROC_AUC)}
    golden = build_golden(signature, frame.head(3), Predictions(predicted[:3].tolist(), probabilities[:3]), "LR")
    contents = {
        manifest.MODEL: dump_model(model),
        manifest.SIGNATURE: signature.model_dump_json(by_alias=True).encode(),
        manifest.GOLDEN: golden.model_dump_json(by_alias=True).encode(),
        manifest.BASELINE: complete_baseline(
            build_baseline(signature, frame, scores), model, signature, frame, (answers, model_frame(signature, test))
        )
        .model_dump_json(by_alias=True)
        .encode(),
        manifest.EVALUATION: b"{}",
        manifest.ENVIRONMENT: json.dumps(environment()).encode(),
    }
    artifact = write_artifact(str(store), make_manifest(Task.CLASSIFICATION, "LogisticRegression", contents), contents)
    order = "sha256:" + "0" * 64
    record = RunRecord(outcome=Outcome.SUCCEEDED, message="done", artifact=artifact, order=order)
    write_record(str(store), "heart", 1, record)
    return Ward(store, artifact)


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    """One model for all tests; `ward` gives each test a log of its own."""
    return build_ward(tmp_path_factory.mktemp("template"))


@pytest.fixture
def ward(template, tmp_path):
    """A store with the trained version and an empty log."""
    import shutil

    shutil.copytree(template.store, tmp_path / "store")
    name = template.artifact.digest.removeprefix("sha256:")
    uri = (tmp_path / "store" / "artifacts" / name).as_uri()
    return Ward(tmp_path / "store", template.artifact.model_copy(update={"uri": uri}))


@pytest.fixture
def make_patients():
    return patients


@pytest.fixture
def spec():
    """Everything that a monitor can watch, with limits that a small window can be judged by."""
    return MonitorSpec.model_validate(
        {
            "deploymentRef": {"name": "heart"},
            "window": {"size": "1h", "minRows": 100, "lateness": "30s"},
            "drift": {},
            "performance": {"metrics": [{"name": "accuracy", "maxDrop": 0.1}, {"name": "roc_auc", "min": 0.6}]},
            "quality": {"missing": {"maxDelta": 0.05}, "outOfRange": {"max": 0.01}, "newLevels": {"max": 0.01}},
            "actions": {"retrain": {"trainingRef": {"name": "heart"}, "cooldown": "6h"}},
        }
    )
