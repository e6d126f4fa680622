"""Searches for tests: three algorithms, an objective that needs no library, results in words that compare."""

import json
import math
import random
import time
from dataclasses import dataclass, field
from typing import Any

from evermodel.errors import SpecError
from evermodel.training.ledger import Fold, Trial
from evermodel.training.search.plan import Plan
from evermodel.training.search.propose import Proposer
from evermodel.training.search.scores import mean_scores
from evermodel.training.search.trial import FoldFit, compute_trial, one_by_one, without_times
from evermodel_api.training import Algorithm, Metric, Tuning

KNN = {"n_neighbors": {"int": {"min": 3, "max": 31}}, "weights": {"choices": ["uniform", "distance"]}}
XGB = {
    "max_depth": {"choices": [2, 4, 6, None]},
    "learning_rate": {"float": {"min": 0.01, "max": 0.3, "log": True}},
    "subsample": {"float": {"min": 0.5, "max": 1.0}},
}
ALGORITHMS = (
    Algorithm.model_validate({"name": "knn", "estimator": "KNeighborsClassifier", "search": KNN}),
    Algorithm.model_validate(
        {"name": "xgb", "estimator": "XGBClassifier", "params": {"max_depth": 4, "n_estimators": 10}, "search": XGB}
    ),
    Algorithm.model_validate({"name": "mlp", "estimator": "MLPClassifier", "params": {"max_iter": 5}}),
)


def plan_of(trials: int = 30, *, algorithms: tuple[Algorithm, ...] = ALGORITHMS, **parts: Any) -> Plan:
    """A plan; `parts` are those of Tuning, and objective, folds, seed, guard."""
    own = {name: parts.pop(name) for name in ("objective", "folds", "seed", "guard") if name in parts}
    tuning = Tuning.model_validate({"max_trials": trials, **parts})
    return Plan(algorithms, tuning, **{"objective": Metric.ROC_AUC, "folds": 3, "seed": 7, **own})


@dataclass
class Formula:
    """An objective that is a formula of the parameters, and as bumpy as real ones."""

    sleeps: float = 0.0
    """Longest time of a fit, in seconds: by chance, so that workers overtake each other."""
    fits: list[tuple[str, int]] = field(default_factory=list)
    """What was fitted here."""

    def fit_fold(self, algorithm: Algorithm, params: dict[str, Any], fold: int) -> FoldFit:
        self.fits.append((algorithm.name, fold))
        time.sleep(random.random() * self.sleeps)
        if params.get("n_neighbors", 1) % 5 in {0, 3}:
            raise SpecError("FitFailed", "so many neighbours cannot be")
        bump = random.Random(json.dumps([params, fold], sort_keys=True)).uniform(-0.01, 0.01)
        rate = math.log10(params.get("learning_rate", 0.3))
        score = 0.9 - 0.1 * (rate + 1.2) ** 2 - 0.002 * params.get("n_neighbors", 8) + bump
        fitted = Fold(
            scores={"roc_auc": score, "rmse": 1 - score, "f1": math.nan},
            train_scores={"roc_auc": score + 0.05},
            seconds=random.random(),
            cpu_seconds=random.random(),
        )
        return FoldFit(fitted, ("bumpy",))


def trial(number: int, *scores: float, algorithm: str = "knn", state: str = "Complete", **parts: Any) -> Trial:
    """A trial with these scores of its folds."""
    folds = [Fold(scores={"roc_auc": score}, seconds=1, cpu_seconds=1) for score in scores]
    return Trial.model_validate(
        {
            "number": number,
            "algorithm": algorithm,
            "estimator": "KNeighborsClassifier",
            "state": state,
            "folds": folds,
            "scores": mean_scores(folds),
            **parts,
        }
    )


def one_after_the_other(plan: Plan, trials: int) -> dict[int, Trial]:
    """The first trials of a search, computed in their order by nobody but a loop."""
    known: dict[int, Trial] = {}
    proposer = Proposer(plan)
    for number in range(trials):
        proposal = proposer.propose(number, known)
        known[number] = compute_trial(plan, number, proposal, known, one_by_one(Formula()))
    return known


def record(trials: Any) -> str:
    """Trials without their times, as bytes would say it."""
    return json.dumps([without_times(each) for each in trials], sort_keys=True)
