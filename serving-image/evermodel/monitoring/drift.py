"""Comparison of a window's inputs with the training data.

A column drifts only when the corrected p AND the effect say so: an effect alone would alarm on every small window, a p
alone on every large one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isnan, nan

from evermodel.artifact.baseline import Baseline, CategoryProfile, NumberProfile
from evermodel.errors import SpecError
from evermodel.monitoring.columns import CategoryColumn, NumberColumn
from evermodel.monitoring.comparisons import Rule, compare_levels, compare_numbers, rule_of, suits
from evermodel.monitoring.statistics.false_discovery import benjamini_hochberg, bonferroni
from evermodel.monitoring.statistics.result import Result, nothing
from evermodel.monitoring.window import Column, Columns
from evermodel_api.monitor import Drift

PREDICTION = "prediction"
"""What the answers are called among the columns of a report."""


@dataclass(frozen=True, slots=True)
class ColumnDrift:
    """One column's comparison. NaN where one side is empty: such a column is not judged."""

    column: str
    test: str
    measure: str
    """Name of the effect."""
    found: Result
    """The test."""
    effect: float
    limit: float
    """The smallest effect that counts."""
    p_corrected: float = nan
    drifted: bool = False

    @property
    def judged(self) -> bool:
        """Whether it could be compared."""
        return not isnan(self.found.p)


@dataclass(frozen=True, slots=True)
class RowsDrift:
    """The comparison of whole rows."""

    test: str
    found: Result
    limit: float
    """The smallest value that counts."""
    drifted: bool


@dataclass(frozen=True, slots=True)
class DatasetDrift:
    """All columns, the answers, whole rows, and the data set as a whole."""

    columns: list[ColumnDrift]
    limit: float
    """Share of the judged columns that must have drifted."""
    weights: Mapping[str, float] = field(default_factory=dict)
    """What each column counts for; 1 where it is not named."""
    prediction: ColumnDrift | None = None
    rows: RowsDrift | None = None

    @property
    def judged(self) -> list[ColumnDrift]:
        """Columns that could be compared."""
        return [column for column in self.columns if column.judged]

    @property
    def drifted(self) -> list[ColumnDrift]:
        """Columns, and the answers, that drifted, the largest effect first."""
        found = [*self.columns, *([self.prediction] if self.prediction else [])]
        return sorted((c for c in found if c.drifted), key=lambda c: -c.effect / max(c.limit, 1e-9))

    @property
    def share(self) -> float:
        """Share of the judged columns that drifted, by their weights."""
        whole = sum(self.weights.get(c.column, 1.0) for c in self.judged)
        return sum(self.weights.get(c.column, 1.0) for c in self.judged if c.drifted) / whole if whole else 0.0

    @property
    def holds(self) -> bool | None:
        """Whether the data drifted: the data set, the answers or whole rows; None when nothing could be judged."""
        of_columns = any(c.drifted for c in self.columns) and self.share >= self.limit
        of_answers = self.prediction is not None and self.prediction.drifted
        of_rows = self.rows is not None and self.rows.drifted
        if of_columns or of_answers or of_rows:
            return True
        answers_judged = self.prediction is not None and self.prediction.judged
        rows_judged = self.rows is not None and not isnan(self.rows.found.p)
        return False if self.judged or answers_judged or rows_judged else None


def compare_column(spec: Drift, baseline: Baseline, name: str, column: Column) -> ColumnDrift | None:
    """Compare one column; None for one that training had not, or had as another kind, or that is excluded."""
    profile = baseline.columns.get(name)
    if profile is None or name in spec.columns.exclude:
        return None
    rule = rule_of(spec, name, number=isinstance(profile, NumberProfile))
    return compare_with(rule, spec.alpha, profile, name, column)


def compare_with(
    rule: Rule, alpha: float, profile: NumberProfile | CategoryProfile, name: str, column: Column
) -> ColumnDrift | None:
    """Compare one column with a profile; None when it is of another kind."""
    if isinstance(column, NumberColumn) and isinstance(profile, NumberProfile):
        current = column.ordered
        if profile.n == 0 or current.size == 0:
            found, effect = nothing(profile.n, current.size), nan
        else:
            found, effect = compare_numbers(rule, profile, current, alpha)
    elif isinstance(column, CategoryColumn) and isinstance(profile, CategoryProfile):
        found, effect = compare_levels(rule, profile, column, alpha)
    else:
        return None
    return ColumnDrift(name, rule.test, rule.effect, found, effect, rule.min_effect)


def compare_answers(spec: Drift, baseline: Baseline, column: Column) -> ColumnDrift | None:
    """Compare the answers with those to the test rows; None when these are not known, or of another kind."""
    if spec.prediction is None or baseline.answers is None:
        return None
    profile, own = baseline.answers.scores, spec.prediction
    if isinstance(profile, NumberProfile):
        rule = Rule(own.test, own.effect, own.min_effect, own.bins)
    else:
        rule = Rule(spec.category.test, spec.category.effect, own.min_effect)
    return compare_with(rule, spec.alpha, profile, PREDICTION, column)


def check_rules(spec: Drift, baseline: Baseline) -> None:
    """Whether every column's own statistic is one for its kind.

    Raises:
        SpecError: `StatisticUnsuited`.
    """
    for name, own in spec.columns.per_column.items():
        profile = baseline.columns.get(name)
        number = isinstance(profile, NumberProfile)
        for field_name, given in (("test", own.test), ("effect", own.effect)):
            if profile is not None and given and not suits(given, number=number, effect=field_name == "effect"):
                kind = "numbers" if number else "categories"
                message = f"drift.columns.perColumn.{name}.{field_name}: {given} is none for a column of {kind}"
                fit = "ks, wasserstein, energy, psi" if number else "psi, jensenShannon, lInfinity"
                raise SpecError("StatisticUnsuited", f"{message}; use for example {fit}")


def judge(
    spec: Drift,
    baseline: Baseline,
    columns: Sequence[ColumnDrift],
    prediction: ColumnDrift | None = None,
    rows: RowsDrift | None = None,
) -> DatasetDrift:
    """Judge all comparisons of a window together: the more there are, the surer each must be."""
    family = [*columns, *([prediction] if prediction else [])]
    correct = benjamini_hochberg if spec.correction == "BenjaminiHochberg" else bonferroni
    judged = [
        replace(c, p_corrected=p, drifted=bool(p <= spec.alpha and c.effect >= c.limit and c.effect > 0.0))
        for c, p in zip(family, correct([c.found.p for c in family]), strict=True)
    ]
    answers = judged.pop() if prediction else None
    weights = baseline.importance if spec.dataset.weight == "Importance" else {}
    return DatasetDrift(judged, spec.dataset.share, weights, answers, rows)


def compare(spec: Drift, baseline: Baseline, columns: Columns) -> DatasetDrift:
    """Compare each column of a window."""
    found = [compare_column(spec, baseline, name, column) for name, column in columns.items()]
    return judge(spec, baseline, [column for column in found if column is not None])
