"""A real fit, which a process of a Dask cluster can be sent."""

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score

from evermodel.errors import SpecError
from evermodel.training.ledger import Fold
from evermodel.training.search.trial import FoldFit
from evermodel_api.training import Algorithm


@dataclass
class Forest:
    """Random forests on some rows, by folds of every third row."""

    rows: Any
    truth: Any

    def fit_fold(self, algorithm: Algorithm, params: dict[str, Any], fold: int) -> FoldFit:
        if params.get("max_depth") == 3:
            raise SpecError("FitFailed", "a depth of 3 is not wanted")
        began, cpu = time.monotonic(), time.process_time()
        held_out = np.arange(len(self.rows)) % 3 == fold
        model = RandomForestClassifier(random_state=0, **params).fit(self.rows[~held_out], self.truth[~held_out])
        score = roc_auc_score(self.truth[held_out], model.predict_proba(self.rows[held_out])[:, 1])
        scores = {"roc_auc": float(score)}
        spent = time.process_time() - cpu
        return FoldFit(Fold(scores=scores, seconds=time.monotonic() - began, cpu_seconds=spent), ("forest",))


def forest() -> Forest:
    """The objective, the same wherever it is made."""
    generator = np.random.default_rng(0)
    rows = generator.normal(size=(300, 5))
    return Forest(rows, (rows @ [1, 1, 0, 0, 0] + generator.normal(size=300) > 0).astype(int))
