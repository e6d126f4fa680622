"""A comparison of runs as one HTML page: what differs first, then scores side by side, and the trials of each run."""

import math
from collections.abc import Sequence

from evermodel.page import (
    Child,
    Html,
    Series,
    element,
    facts,
    join,
    name,
    page,
    scatter,
    score,
    seconds,
    section,
    table,
    text,
)
from evermodel.training.compare import Comparison, Difference, MetricLine
from evermodel.training.compare_text import listed, summary
from evermodel.training.ledger import Ledger
from evermodel.training.memory import objective_of
from evermodel.training.text import value_text
from evermodel_api.training import Metric

_LONGEST_VALUE = 400


def comparison_page(comparison: Comparison, ledgers: Sequence[Ledger]) -> str:
    """The page.

    Args:
        comparison: what differs.
        ledgers: of the same runs in the same order, for the trials.
    """
    title = f"{listed(comparison.runs)}: what differs"
    head = join([element("h1", title), element("p", " ".join(summary(comparison)), class_="lead")])
    return page(title, head, _differing(comparison), _scores(comparison), _trials(ledgers), _time(comparison))


def _differing(comparison: Comparison) -> Html:
    parts = [
        ("Spec", comparison.spec),
        ("Data", comparison.data),
        ("Columns whose content differs", comparison.columns),
        ("Parameters of the model", comparison.parameters),
        ("Libraries and image", comparison.libraries),
        ("Gates", comparison.gates),
    ]
    body: list[Html] = []
    for title, lines in parts:
        if lines:
            rows = [[name(line.where), *(_value(value) for value in line.values)] for line in lines]
            body += [element("h3", title), table(["", *comparison.runs], rows)]
    nothing = element("p", "Nothing but the time that they took.")
    return section("What differs", *(body or [nothing]), anchor="differences")


def _value(value: object) -> Child:
    shown = value_text(value)
    if shown.startswith("sha256:"):
        return element("code", f"{shown[:19]}…", title=shown)
    return text(shown if len(shown) <= _LONGEST_VALUE else f"{shown[:_LONGEST_VALUE]}…")


def _scores(comparison: Comparison) -> Html:
    lines = [*comparison.metrics, *comparison.costs]
    if comparison.folds is not None:
        lines.append(comparison.folds.model_copy(update={"metric": f"{comparison.folds.metric}, mean over the folds"}))
    heads = ["", *comparison.runs]
    rows = [[name(line.metric), *(_score(line, n) for n in range(len(comparison.runs)))] for line in lines]
    hint = element("p", "On the test rows, with the 95 % interval and the difference to the first run.", class_="hint")
    body = [hint, table(heads, rows, numbers=range(1, len(heads)))]
    return section("Scores", *body, anchor="scores")


def _score(line: MetricLine, n: int) -> Html:
    value = element("div", score(line.values[n]))
    interval = line.intervals[n] if line.intervals else None
    between = element("div", f"{score(interval[0])} to {score(interval[1])}", class_="hint") if interval else None
    return join([value, between, _change(line, n) if n else None])


def _change(line: MetricLine, n: int) -> Html | None:
    change = line.differences[n]
    if change is None:
        return None
    if change == 0:
        return element("span", "same", class_="chip")
    better = (change > 0) == line.larger_is_better
    sign = "+" if change > 0 else "\N{MINUS SIGN}"
    return element("span", f"{sign}{score(abs(change))}", class_=f"chip {'good' if better else 'high'}")


def _trials(ledgers: Sequence[Ledger]) -> Html:
    return section("Trials", *(_trials_of(ledger) for ledger in ledgers), anchor="trials")


def _trials_of(ledger: Ledger) -> Html:
    """Scores of the trials in their order, a colour for each algorithm, and the best so far as a line."""
    objective = objective_of(ledger)
    head = element("h3", f"{ledger.training}-{ledger.run}")
    scored = [trial for trial in ledger.trials if objective in trial.scores]
    if not scored:
        return join([head, element("p", "There was nothing to choose.", class_="hint")])
    algorithms = list(dict.fromkeys(trial.algorithm for trial in scored))
    series = [
        Series(
            title=f"{algorithm}{'' if whole else ', pruned'}",
            points=[
                (trial.number, trial.scores[objective])
                for trial in scored
                if trial.algorithm == algorithm and (trial.state == "Complete") == whole
            ],
            colour=n % 6,
            mark="dot" if whole else "hollow",
        )
        for n, algorithm in enumerate(algorithms)
        for whole in (True, False)
    ]
    winner = [(trial.number, trial.scores[objective]) for trial in scored if trial.number == ledger.chosen]
    series.append(Series("chosen", winner, mark="ring"))
    complete = [(trial.number, trial.scores[objective]) for trial in scored if trial.state == "Complete"]
    larger = objective not in set(Metric) or Metric(objective).larger_is_better
    said = facts(
        [
            ("trials", len(ledger.trials)),
            ("chosen", ledger.chosen),
            ("algorithm", ledger.algorithm),
            ("search", seconds(ledger.search.seconds) if ledger.search else None),
        ]
    )
    return join([head, said, scatter(series, "trial", objective, best_so_far(complete, larger_is_better=larger))])


def best_so_far(points: Sequence[tuple[float, float]], *, larger_is_better: bool) -> list[tuple[float, float]]:
    """The best value up to each point.

    >>> best_so_far([(0, 0.5), (1, 0.4), (2, 0.7)], larger_is_better=True)
    [(0, 0.5), (1, 0.5), (2, 0.7)]
    """
    best = -math.inf if larger_is_better else math.inf
    line = []
    for x, y in points:
        best = max(best, y) if larger_is_better else min(best, y)
        line.append((x, best))
    return line


def _time(comparison: Comparison) -> Html:
    rows = [[line.where, *(_amount(line, value) for value in line.values)] for line in comparison.timings]
    heads = ["", *comparison.runs]
    return section("Time and memory", table(heads, rows, numbers=range(1, len(heads))), anchor="time")


def _amount(line: Difference, value: float | None) -> str:
    if value is not None and line.where.startswith(("trials", "peak")):
        return f"{value:,.0f}"
    return seconds(value)
