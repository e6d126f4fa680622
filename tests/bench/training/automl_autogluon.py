"""AutoGluon on one table; runs in its own environment. TRAINING TEST TARGET METRIC SECONDS SEED ANSWERS PRESET"""

from __future__ import annotations

import json
import sys
import tempfile
import time

import pandas as pd
from autogluon.tabular import TabularPredictor, __version__  # type: ignore[import-not-found]  # not in our environment

METRICS = {"roc_auc": "roc_auc", "log_loss": "log_loss", "rmse": "root_mean_squared_error"}


def main() -> None:
    """Fit for so many seconds, then answer the test rows. It takes no seed: its own are fixed."""
    training_file, test_file, target, metric, seconds, _, answers, preset = sys.argv[1:]
    training, test = pd.read_csv(training_file), pd.read_csv(test_file).drop(columns=target)
    with tempfile.TemporaryDirectory() as folder:
        predictor = TabularPredictor(label=target, eval_metric=METRICS[metric], path=folder, verbosity=0)
        began = time.monotonic()
        predictor.fit(training, time_limit=float(seconds), presets=preset, num_cpus=2, num_gpus=0)
        took = time.monotonic() - began
        if metric == "rmse":
            answered = pd.DataFrame({"answer": predictor.predict(test)})
        else:
            answered = predictor.predict_proba(test)
        answered.to_csv(answers, index=False)
        print(json.dumps({"version": __version__, "seconds": took, "model": predictor.model_best}))  # noqa: T201


if __name__ == "__main__":
    main()
