"""A model answers the same on a machine with more cores: neighbours at equal distances are the case that shows it."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[4]
PROGRAM = """
import hashlib
import numpy as np, pandas as pd
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from evermodel.artifact.model import answer
from evermodel.artifact.signature import ColumnSignature, Signature
from evermodel_api.training import Task
generator = np.random.default_rng(0)
names = [f"x{i}" for i in range(20)]
frame = pd.DataFrame(generator.integers(0, 3, size=(5000, 20)).astype(float), columns=names)
model = Pipeline([("estimator", KNeighborsClassifier(algorithm="brute"))]).fit(frame, generator.integers(0, 2, 5000))
columns = [ColumnSignature(name=name, kind="number", datatype="FP64") for name in names]
signature = Signature(task=Task.CLASSIFICATION, target="y", columns=columns, classes=["a", "b"])
asked = pd.DataFrame(generator.integers(0, 3, size=(50, 20)).astype(float), columns=names)
print(hashlib.sha256(answer(model, signature, asked)[1].tobytes()).hexdigest())
print(hashlib.sha256(model.predict_proba(asked).tobytes()).hexdigest())
"""


def test_answers_do_not_depend_on_the_number_of_threads():
    # given the same model and rows in processes with one thread and with four
    answers = []
    for threads in "14":
        environment = {**os.environ, "OMP_NUM_THREADS": threads, "OMP_WAIT_POLICY": "passive"}
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM], env=environment, cwd=ROOT, capture_output=True, text=True, check=True
        )
        answers.append(done.stdout.split())
    (one, _), (four, unfenced) = answers
    # then they answer alike
    assert one == four
    # and would not, were it left to the library (on a machine with more cores than one)
    assert unfenced != one or os.cpu_count() == 1
