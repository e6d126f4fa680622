"""FLAML on one table; runs in FLAML's own environment. TRAINING TEST TARGET METRIC SECONDS SEED ANSWERS"""

from __future__ import annotations

import json
import sys
import time

import pandas as pd
from flaml import AutoML, __version__  # type: ignore[import-not-found]  # it is not in our environment


def main() -> None:
    """Fit for so many seconds, then answer the test rows."""
    training_file, test_file, target, metric, seconds, seed, answers = sys.argv[1:]
    training, test = pd.read_csv(training_file), pd.read_csv(test_file)
    for name in training.select_dtypes(exclude="number").columns:
        if name != target:  # it knows categories by their dtype
            levels = pd.CategoricalDtype(sorted(training[name].unique()))
            training[name], test[name] = training[name].astype(levels), test[name].astype(levels)
    model = AutoML()
    began = time.monotonic()
    model.fit(
        X_train=training.drop(columns=target),
        y_train=training[target],
        task="regression" if metric == "rmse" else "classification",
        metric=metric,
        time_budget=float(seconds),
        n_jobs=2,
        seed=int(seed),
        verbose=0,
    )
    took = time.monotonic() - began
    if metric == "rmse":
        answered = pd.DataFrame({"answer": model.predict(test)})
    else:
        answered = pd.DataFrame(model.predict_proba(test), columns=model.classes_)
    answered.to_csv(answers, index=False)
    print(json.dumps({"version": __version__, "seconds": took, "model": model.best_estimator}))  # noqa: T201


if __name__ == "__main__":
    main()
