"""Proposals by TPE: an Optuna study is rebuilt in memory from what is known, and asked once.

TPE: Bergstra et al., Algorithms for Hyper-Parameter Optimization (2011), in its multivariate form, by groups of
parameters that come together (those of one algorithm).
"""

import threading
import warnings
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from evermodel.training.ledger import Trial
from evermodel.training.search.plan import Plan
from evermodel.training.search.scores import chosen_merit, means_so_far
from evermodel.training.search.space import choice_number, holds, largest, round_within
from evermodel_api.training import SearchRange

if TYPE_CHECKING:
    from evermodel.training.search.propose import Proposal

optuna.logging.set_verbosity(optuna.logging.ERROR)

_one_thread = threading.Lock()
"""Filters of warnings belong to the process, and lanes of a search are threads."""
_ALGORITHM = "algorithm"
_BEST, _LATEST = 50, 350
"""How many ended trials TPE looks at: it makes much of the 25 best only, and its time grows with their number."""
_NEVER = datetime(2000, 1, 1, tzinfo=UTC)
"""Optuna wants to know when a trial began; nothing follows from it."""


def draw_by_tpe(
    plan: Plan, earlier: Sequence["Proposal"], ended: Sequence[Trial], seed: int
) -> tuple[int, dict[str, Any]]:
    """The algorithm and the values of its searched parameters.

    Args:
        plan: the search.
        earlier: what all trials before this one are, by number.
        ended: how the first of them went.
        seed: of this draw.
    """
    with _one_thread, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that groups are experimental
        sampler = optuna.samplers.TPESampler(
            seed=seed, n_startup_trials=1, multivariate=True, group=True, constant_liar=True
        )
    direction = StudyDirection.MAXIMIZE if plan.objective.larger_is_better else StudyDirection.MINIMIZE
    study = optuna.create_study(direction=direction, sampler=sampler)
    remembered = _remembered(plan, ended)
    study.add_trials(
        _as_optuna(plan, proposal, ended[number] if number < len(ended) else None)
        for number, proposal in enumerate(earlier)
        if proposal.algorithm in plan.searched and (number >= len(ended) or number in remembered)
    )
    trial = study.ask()
    algorithm = plan.searched[0]
    if len(plan.searched) > 1:
        algorithm = int(trial.suggest_categorical(_ALGORITHM, plan.searched))
    search = plan.algorithms[algorithm].search
    return algorithm, {name: _suggest(trial, f"{algorithm}.{name}", values) for name, values in search.items()}


def _remembered(plan: Plan, ended: Sequence[Trial]) -> set[int]:
    """Numbers of the best and of the latest trials."""
    by_merit = sorted(ended, key=lambda trial: (-chosen_merit(plan, trial), trial.number))
    return {trial.number for trial in (*by_merit[:_BEST], *ended[-_LATEST:])}


def _as_optuna(plan: Plan, proposal: "Proposal", trial: Trial | None) -> FrozenTrial:
    """A trial as Optuna knows it. One that is not searched counts where what is written is a value that is tried."""
    algorithm = proposal.algorithm
    distributions: dict[str, BaseDistribution] = {}
    params: dict[str, Any] = {}
    if len(plan.searched) > 1:
        distributions[_ALGORITHM] = CategoricalDistribution(plan.searched)
        params[_ALGORITHM] = algorithm
    for name, values in plan.algorithms[algorithm].search.items():
        if name in proposal.params and holds(values, proposal.params[name]):
            distributions[f"{algorithm}.{name}"] = _distribution(values)
            value = proposal.params[name]
            params[f"{algorithm}.{name}"] = choice_number(values, value) if values.choices is not None else value
    state, value, so_far = _how_it_went(plan, trial)
    frozen = create_trial(
        state=state, value=value, params=params, distributions=distributions, intermediate_values=so_far
    )
    frozen.datetime_start = _NEVER
    return frozen


def _how_it_went(plan: Plan, trial: Trial | None) -> tuple[TrialState, float | None, dict[int, float]]:
    """State, value and intermediate values. None is a trial that nobody knows the end of."""
    if trial is None:
        return TrialState.RUNNING, None, {}
    if trial.state == "Complete" and (value := trial.scores.get(plan.objective)) is not None:
        return TrialState.COMPLETE, value, {}
    if trial.state == "Pruned":
        return TrialState.PRUNED, None, dict(enumerate(means_so_far(trial.folds, plan.objective)))
    # it failed, or its score is not defined: the worst there is, as if pruned before its first fold
    return TrialState.PRUNED, None, {}


def _distribution(values: SearchRange) -> BaseDistribution:
    if values.int_ is not None:
        span = values.int_
        return IntDistribution(span.min, largest(span), log=span.log, step=span.step)
    if values.float_ is not None:
        return FloatDistribution(values.float_.min, values.float_.max, log=values.float_.log)
    # by number: Optuna cannot tell True from 1, and takes no lists
    return CategoricalDistribution(range(len(values.choices or [])))


def _suggest(trial: optuna.Trial, name: str, values: SearchRange) -> Any:
    if values.int_ is not None:
        span = values.int_
        return trial.suggest_int(name, span.min, largest(span), step=span.step, log=span.log)
    if values.float_ is not None:
        low, high = values.float_.min, values.float_.max
        return round_within(trial.suggest_float(name, low, high, log=values.float_.log), low, high)
    choices = values.choices or []
    return choices[trial.suggest_categorical(name, range(len(choices)))]
