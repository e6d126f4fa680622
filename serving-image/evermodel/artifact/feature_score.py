"""How features are scored when some are selected by their score.

scikit-learn takes a function there. A model file must not name functions, so that a selector holds a `FeatureScore`,
which knows a fixed table of them by name.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

SCORES = ("chi2", "f_classif", "f_regression", "mutual_info_classif", "mutual_info_regression", "r_regression")
"""Functions of `sklearn.feature_selection`."""


class FeatureScore:
    """One of `SCORES` by name; called with rows and truth as scikit-learn's own function is."""

    def __init__(self, name: str, seed: int) -> None:
        """`seed` decides the noise that mutual information adds to tell equal values apart."""
        self.name = name
        self.seed = seed

    def __call__(self, rows: NDArray[np.float64], truth: NDArray[Any]) -> Any:
        """Scores of shape (features,), or scores and p-values where the function gives them."""
        from sklearn import feature_selection  # noqa: PLC0415  heavy: only a fit needs it

        if self.name not in SCORES:
            raise ValueError(f"{self.name!r} is no score of features; use one of {', '.join(SCORES)}")
        score = getattr(feature_selection, self.name)
        if self.name.startswith("mutual_info"):
            return score(rows, truth, random_state=self.seed)
        return score(rows, truth)
