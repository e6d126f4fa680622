"""What makes an answer an interval or a set of classes: how far the model was from the truth on rows it never saw.

Split conformal prediction (Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World, 2005; Lei, G'Sell,
Rinaldo, Tibshirani and Wasserman, Distribution-Free Predictive Inference for Regression, 2018): with n test rows and a
new row that could as well have been one of them, the truth of the new row is at most as far from its answer as the
r-th smallest of the n distances with a probability of at least r / (n + 1). Light: imports nothing heavy.
"""

import math
from typing import Annotated, Literal

from pydantic import Field, model_validator

from evermodel_api.base import Schema

MAX_SCORES = 10_000
"""Of more test rows only so many distances are kept, at even ranks; what is asked for is rounded up to the next."""
_ROUNDING = 1e-9
"""Of a product with a number such as 0.9, which no double is: it must not move the rank."""


class Conformal(Schema):
    """Distances of the model's answers to the truth of its test rows."""

    score: Literal["absoluteError", "improbability"]
    """What a distance is: |truth - answer| of a regression, or 1 - the probability of the true class (LAC: Sadinle, Lei
    and Wasserman, Least Ambiguous Set-Valued Classifiers, 2019)."""
    rows: Annotated[int, Field(ge=1)]
    """Test rows."""
    scores: Annotated[list[Annotated[float, Field(ge=0, allow_inf_nan=False)]], Field(min_length=1)]
    """The distances, ascending: all of them, or those of the ranks ceil(i * rows / MAX_SCORES)."""

    @model_validator(mode="after")
    def _check(self) -> "Conformal":
        if len(self.scores) != min(self.rows, MAX_SCORES):
            raise ValueError(f"{self.rows} rows have {len(self.scores)} scores")
        if any(later < earlier for earlier, later in zip(self.scores, self.scores[1:], strict=False)):
            raise ValueError("the scores are not in ascending order")
        return self

    @property
    def most(self) -> float:
        """The largest coverage that so many rows can promise."""
        return self.rows / (self.rows + 1)

    def distance(self, coverage: float) -> float:
        """The distance that the truth of a new row keeps within with at least this probability.

        Args:
            coverage: above 0, up to `most`.

        Raises:
            ValueError: it is outside.
        """
        rank = max(1, math.ceil((self.rows + 1) * coverage - _ROUNDING))
        if not coverage > 0.0 or rank > self.rows:
            raise ValueError(f"a coverage of {coverage} is not above 0 and up to {self.most}")
        return self.scores[(rank - 1) * len(self.scores) // self.rows]


def conformal_of(score: Literal["absoluteError", "improbability"], distances: list[float]) -> Conformal:
    """The document of the distances of all test rows, in any order; there is at least one, and all are finite."""
    ascending, rows = sorted(distances), len(distances)
    kept = min(rows, MAX_SCORES)
    ranks = [-(-(place * rows) // kept) for place in range(1, kept + 1)]
    return Conformal(score=score, rows=rows, scores=[ascending[rank - 1] for rank in ranks])
