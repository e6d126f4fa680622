"""One trial: fitted fold by fold, given up when it is hopeless, told as the ledger wants it."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from evermodel.errors import SpecError
from evermodel.training.ledger import Fold, Trial
from evermodel.training.search.plan import Plan
from evermodel.training.search.propose import Proposal
from evermodel.training.search.scores import is_given_up, may_be_given_up, mean_scores
from evermodel_api.reasons import Reason
from evermodel_api.training import Algorithm


@dataclass(frozen=True)
class FoldFit:
    """What one fit gave."""

    fold: Fold
    """Scores and times."""
    notes: tuple[str, ...] = ()
    """What the library warned of."""


class Objective(Protocol):
    """What a search makes as good as it can be: it fits and measures, and does so the same way every time."""

    def fit_fold(self, algorithm: Algorithm, params: dict[str, Any], fold: int) -> FoldFit:
        """Fit on all folds but this one, and measure on it.

        Args:
            algorithm: which class; its own `params` are in `params` already.
            params: all parameters.
            fold: from 0.

        Raises:
            SpecError: `FitFailed` when these parameters and rows do not go together: the trial fails and the search
                goes on. Any other error ends the search.
        """


class Fits(Protocol):
    """Fits of some folds of one trial, which may be computed at the same time."""

    def __call__(self, algorithm: Algorithm, params: dict[str, Any], folds: range) -> Iterator[FoldFit]:
        """The folds' fits, in their order."""


def one_by_one(objective: Objective) -> Fits:
    """Fits in this process, one after the other."""

    def fits(algorithm: Algorithm, params: dict[str, Any], folds: range) -> Iterator[FoldFit]:
        return (objective.fit_fold(algorithm, params, fold) for fold in folds)

    return fits


@dataclass
class _Folds:
    """The folds of a trial so far."""

    folds: list[Fold] = field(default_factory=list)
    notes: dict[str, None] = field(default_factory=dict)

    def add(self, fit: FoldFit) -> None:
        measured = {"scores": _defined(fit.fold.scores), "train_scores": _defined(fit.fold.train_scores)}
        self.folds.append(fit.fold.model_copy(update=measured))
        self.notes.update(dict.fromkeys(fit.notes))


def compute_trial(plan: Plan, number: int, proposal: Proposal, known: Mapping[int, Trial], fits: Fits) -> Trial:
    """The trial; nothing but its times depends on who computes it.

    Args:
        plan: the search.
        number: of the trial.
        proposal: what it is.
        known: at least the trials 0..number-lag, for the pruner.
        fits: what fits.

    Raises:
        RunError: what the fits raise, but for `FitFailed`.
    """
    algorithm = plan.algorithms[proposal.algorithm]
    done = _Folds()
    state = "Complete"
    together = 1 if may_be_given_up(plan, number, known) else plan.folds
    try:
        while len(done.folds) < plan.folds and state == "Complete":
            begin = len(done.folds)
            for fit in fits(algorithm, proposal.params, range(begin, min(begin + together, plan.folds))):
                done.add(fit)
            if is_given_up(plan, number, done.folds, known):
                state = "Pruned"
    except SpecError as error:
        if error.reason is not Reason.FIT_FAILED:
            raise
        state = "Failed"
        done.notes[str(error)] = None
    return Trial.model_validate(
        {
            "number": number,
            "algorithm": algorithm.name,
            "estimator": algorithm.estimator or (algorithm.container.image if algorithm.container else ""),
            "params": proposal.params,
            "searched": proposal.searched,
            "state": state,
            "folds": done.folds,
            "scores": mean_scores(done.folds),
            "notes": list(done.notes),
        }
    )


def without_times(trial: Trial) -> dict[str, Any]:
    """All of a trial that must be the same whoever computed it: not who it was, and how long it took."""
    document = trial.dump()
    document.pop("worker", None)
    for fold in document["folds"]:
        fold.pop("seconds")
        fold.pop("cpuSeconds")
    return document


def _defined(scores: Mapping[str, float]) -> dict[str, float]:
    """Those of the scores that are numbers: others cannot be compared, nor written as JSON."""
    return {metric: score for metric, score in scores.items() if math.isfinite(score)}
