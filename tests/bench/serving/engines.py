"""What one call costs in each engine: `python -m tests.bench.serving.engines` prints a table of microseconds.

Trees only, on the matrix that the estimator takes: the compiled model, ONNX Runtime (one thread, one tensor) and the
library itself. Time of the processor, the best of several rounds, all in one process; different rows in each call.
"""

# ruff: noqa: T201  what it prints is its answer
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from lightgbm import LGBMClassifier
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from xgboost import XGBClassifier

from evermodel.artifact.onnx_convert import _convert
from evermodel.artifact.onnx_model import open_session
from evermodel.compiled.trees import compile_trees

ROWS, COLUMNS, CALLS, ROUNDS = 10_000, 30, 40, 9
MODELS = {
    "forest of 100": RandomForestClassifier(100, n_jobs=1, random_state=0),
    "XGBoost, 100 trees": XGBClassifier(n_estimators=100, n_jobs=1, random_state=0),
    "LightGBM, 100 trees": LGBMClassifier(n_estimators=100, n_jobs=1, verbose=-1, deterministic=True, random_state=0),
    "histograms, 100 trees": HistGradientBoostingClassifier(random_state=0),
}
Ask = Callable[[np.ndarray], Any]


def microseconds(ask: Ask, rows: np.ndarray, each: int) -> float:
    """Of one call with `each` rows, other ones each time."""
    batches = [np.ascontiguousarray(rows[i * each : (i + 1) * each]) for i in range(CALLS)]
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.process_time_ns()
        for batch in batches:
            ask(batch)
        best = min(best, (time.process_time_ns() - started) / CALLS / 1000)
    return best


def onnx_of(model: Any, rows: np.ndarray) -> Ask | None:
    """The model in ONNX Runtime, in double precision where its converter can; None where none can."""
    for double, kind in ((True, np.float64), (False, np.float32)):
        try:
            session = open_session(_convert(model, COLUMNS, double=double).SerializeToString())
            name = session.get_inputs()[0].name
            session.run(None, {name: rows[:2].astype(kind)})
        except Exception as error:  # noqa: BLE001  converters and runtime raise all kinds
            print(f"  ONNX in {kind.__name__}: {str(error).splitlines()[0][:90]}")
            continue
        return lambda batch, session=session, name=name, kind=kind: session.run(None, {name: batch.astype(kind)})
    return None


def main() -> None:
    """Fit, and print the table."""
    warnings.simplefilter("ignore")
    chance = np.random.default_rng(0)
    rows = chance.normal(size=(ROWS, COLUMNS))
    labels = (rows[:, :5].sum(axis=1) + chance.normal(size=ROWS) > 0).astype(int)
    print(f"{'model':<24}{'rows':>6}{'compiled':>12}{'ONNX':>12}{'library':>12}{'ONNX/ours':>12}{'library/ours':>14}")
    for name, model in MODELS.items():
        model.fit(rows, labels)
        compiled, onnx = compile_trees(model), onnx_of(model, rows)
        assert np.array_equal(compiled.predict(rows), model.predict_proba(rows))
        for each in (1, 100):
            ours = microseconds(compiled.predict, rows, each)
            other = microseconds(onnx, rows, each) if onnx else float("nan")
            library = microseconds(model.predict_proba, rows, each)
            told = f"{other / ours:>11.1f}x{library / ours:>13.1f}x"
            print(f"{name:<24}{each:>6}{ours:>12.2f}{other:>12.2f}{library:>12.2f}{told}")


if __name__ == "__main__":
    main()
