"""Writes a model in MLflow's format: `save_mlflow.py FOLDER`, which has model.joblib and gets mlflow/."""

import shutil
import sys
from pathlib import Path

import joblib
import mlflow.sklearn

folder = Path(sys.argv[1])
shutil.rmtree(folder / "mlflow", ignore_errors=True)
mlflow.sklearn.save_model(
    joblib.load(folder / "model.joblib"),
    str(folder / "mlflow"),
    pip_requirements=["scikit-learn"],
    serialization_format="cloudpickle",
)
