"""The part of the model card that tells how the model was chosen: the search, its trials, the folds of the winner."""

import json
from collections.abc import Iterable, Sequence
from statistics import pstdev
from typing import Any

from evermodel.page import (
    Child,
    Html,
    Series,
    count,
    element,
    facts,
    join,
    scatter,
    score,
    seconds,
    sorted_by,
    table,
)
from evermodel.training.ledger import Ledger, Search, Trial
from evermodel_api.training import Metric

_SHOWN = 15
_LISTED = 300
_COLOURS = 6
_DRAWN = 2000


def choice_body(ledger: Ledger) -> list[Child]:
    """How the algorithm and its parameters were found."""
    if ledger.search is None or not ledger.trials:
        words = "There was one algorithm with its parameters: nothing was chosen between."
        return [element("p", words), *_parameters(ledger)]
    ranked = by_score(ledger.trials, ledger.search.objective)
    winner = next((trial for trial in ledger.trials if trial.number == ledger.chosen), None)
    return [
        _facts(ledger.search, ledger.trials),
        _told(ledger.search),
        trials_plot(ledger.trials, ledger.search.objective, ledger.chosen) if len(ledger.trials) > 1 else None,
        element("h3", "Trials, best first"),
        *_tables(ranked, ledger.search.objective, ledger.chosen),
        *(_folds(winner) if winner else []),
        *_parameters(ledger),
    ]


def by_score(trials: Sequence[Trial], objective: str) -> list[Trial]:
    """Whole trials from the best to the worst, then those that were given up, then those that failed."""
    sign = -1.0 if Metric(objective).larger_is_better else 1.0
    states = ("Complete", "Pruned", "Failed")

    def key(trial: Trial) -> tuple[int, bool, float, int]:
        value = trial.scores.get(objective)
        return states.index(trial.state), value is None, sign * (value or 0.0), trial.number

    return sorted(trials, key=key)


def _facts(search: Search, trials: Sequence[Trial]) -> Html:
    states = [(state, sum(trial.state == state for trial in trials)) for state in ("Complete", "Pruned", "Failed")]
    listed: list[tuple[str, Child]] = [
        ("chosen by", search.objective),
        ("sampler", search.sampler),
        ("trials", f"{count(len(trials))} of {count(search.trials)}"),
        *((state.lower(), count(n)) for state, n in states if n),
        ("workers", count(search.workers)),
        ("took", seconds(search.seconds)),
        ("CPU time", seconds(sum(fold.cpu_seconds for trial in trials for fold in trial.folds))),
    ]
    return facts(listed)


def _told(search: Search) -> Html | None:
    if search.stopped_by == "Done":
        return None
    words = "No trial began after the time limit (tuning.timeout), so a repeated run may choose otherwise."
    return element("p", words, class_="hint")


def trials_plot(trials: Sequence[Trial], objective: str, chosen: int | None) -> Html:
    """Score by number of the trial, a colour for each algorithm, and the best so far as a line.

    Args:
        trials: all, by number; beyond 2,000 only the first are drawn.
        objective: metric whose mean over the folds is drawn.
        chosen: number of the trial that won.
    """
    drawn = [trial for trial in trials[:_DRAWN] if objective in trial.scores]
    names = list(dict.fromkeys(trial.algorithm for trial in trials))
    series = []
    for i, name in enumerate(names):
        mine = [trial for trial in drawn if trial.algorithm == name]
        whole = [(float(trial.number), trial.scores[objective]) for trial in mine if trial.state == "Complete"]
        given_up = [(float(trial.number), trial.scores[objective]) for trial in mine if trial.state == "Pruned"]
        series.append(Series(name, whole, colour=i % _COLOURS))
        series.append(Series(f"{name}, given up", given_up, colour=i % _COLOURS, mark="hollow"))
    won = [(float(trial.number), trial.scores[objective]) for trial in drawn if trial.number == chosen]
    series.append(Series("chosen", won, mark="ring"))
    return scatter(series, "trial", f"{objective}, mean over the folds", _best_so_far(drawn, objective))


def _best_so_far(trials: Iterable[Trial], objective: str) -> list[tuple[float, float]]:
    better = max if Metric(objective).larger_is_better else min
    line: list[tuple[float, float]] = []
    for trial in trials:
        if trial.state == "Complete":
            value = trial.scores[objective]
            best = better(value, line[-1][1]) if line else value
            if line and best != line[-1][1]:
                line.append((float(trial.number), line[-1][1]))
            line.append((float(trial.number), best))
    return line


def _tables(ranked: Sequence[Trial], objective: str, chosen: int | None) -> list[Child]:
    first = _trials_table(ranked[:_SHOWN], objective, chosen)
    rest = ranked[_SHOWN:_LISTED]
    if not rest:
        return [first]
    left = f", {count(len(ranked) - _LISTED)} more are in the ledger" if len(ranked) > _LISTED else ""
    title = element("summary", f"{count(len(rest))} further trials{left}")
    return [first, element("details", title, _trials_table(rest, objective, chosen))]


def _trials_table(trials: Sequence[Trial], objective: str, chosen: int | None) -> Html:
    rows = []
    for trial in trials:
        value = trial.scores.get(objective)
        spread = [fold.scores[objective] for fold in trial.folds if objective in fold.scores]
        took = sum(fold.seconds for fold in trial.folds)
        chip = element("span", "chosen", class_="chip good") if trial.number == chosen else trial.state
        notes = element("div", trial.notes[0][:160], class_="hint") if trial.notes else None
        rows.append(
            (
                str(trial.number),
                trial.algorithm,
                chip,
                sorted_by(value, score(value)) if value is not None else None,
                score(pstdev(spread)) if len(spread) > 1 else None,
                sorted_by(took, seconds(took)) if trial.folds else None,
                join([parameters_text(trial.searched or trial.params), notes]),
            )
        )
    heads = ("Trial", "Algorithm", "State", objective, "Spread over folds", "Fitting", "Parameters")
    return table(heads, rows, numbers=(0, 3, 4, 5))


def parameters_text(params: dict[str, Any]) -> Html:
    """Parameters in a line: `C=0.5 kernel=rbf`."""
    words = [f"{key}={_plain(value)}" for key, value in sorted(params.items())]
    return element("code", " ".join(words)) if words else element("span", "defaults", class_="hint")


def _plain(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.5g}"
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True, default=str)


def _folds(winner: Trial) -> list[Child]:
    if not winner.folds:
        return []
    metrics = list(winner.scores)
    rows = [
        (str(i), *(score(fold.scores.get(metric)) for metric in metrics), seconds(fold.seconds))
        for i, fold in enumerate(winner.folds)
    ]
    rows.append(("mean", *(score(winner.scores[metric]) for metric in metrics), ""))
    heads = ("Fold", *metrics, "Fitting")
    return [element("h3", "Folds of the chosen trial"), table(heads, rows, numbers=range(1, len(heads)))]


def _parameters(ledger: Ledger) -> list[Child]:
    words = join([f"{ledger.estimator or 'The model'}: ", parameters_text(ledger.params)])
    return [element("h3", "Parameters"), element("p", words)]
