"""What a person should look at in a column. Pure: each flag follows from the column's numbers."""

from collections.abc import Iterator
from dataclasses import dataclass

from evermodel.data.eda_document import ColumnReport, Flag, Severity, Topic
from evermodel.page import count, number, percent

LEAK = 0.99
"""A column that alone reaches this AUC, or correlation, knows too much."""
_LEAST_ROWS = 30
_MANY_LEVELS = 50
_MANY_TESTS_P = 0.001


@dataclass(frozen=True)
class Seen:
    """What flags need of a column beside its report."""

    report: ColumnReport
    text_holds: str
    """dates, numbers or mixed types, where text really holds those."""
    copies_target: bool
    missing_p: float
    """p-value of the relation of missing values to the target."""
    sampled: int
    """Rows that were looked at closely."""


def column_flags(seen: Seen, columns: int) -> Iterator[Flag]:
    """The flags of one column; `columns` is how many there are, for what chance alone would find among them."""
    report = seen.report
    if report.kind == "empty":
        yield _flag(
            "Empty", "medium", report, "has no value at all", "Leave it out with data.exclude, or mend the source."
        )
        return
    yield from _knows_the_target(seen)
    yield from _identifies(seen)
    yield from _says_nothing(report)
    yield from _has_gaps(seen, columns)
    yield from _holds_something_else(seen)
    yield from _far(report)


def _flag(topic: Topic, severity: Severity, report: ColumnReport, words: str, remedy: str) -> Flag:
    return Flag(topic=topic, severity=severity, columns=(report.name,), sentence=words, remedy=remedy)


def _knows_the_target(seen: Seen) -> Iterator[Flag]:
    report, relation = seen.report, seen.report.relation
    if seen.copies_target:
        yield _flag(
            "TargetCopy",
            "high",
            report,
            "is the target in other words: each of its values goes with one value of the target",
            "Leave it out with data.exclude: it will not be known when the model is asked.",
        )
        return
    if relation is None or relation.rows < _LEAST_ROWS:
        return
    reached = relation.value if relation.measure == "auc" else relation.strength
    if reached > LEAK:
        names = {"auc": "AUC", "cramersV": "Cramér's V", "spearman": "correlation", "eta": "correlation ratio"}
        yield _flag(
            "Leak",
            "high",
            report,
            f"alone tells the target almost wholly ({names[relation.measure]} {reached:.4f})",
            "Look whether it is known before the target is; if not, leave it out with data.exclude.",
        )


def _identifies(seen: Seen) -> Iterator[Flag]:
    report, numbers = seen.report, seen.report.numbers
    if report.distinct is None:
        return
    remedy = "Leave it out with data.exclude: a model learns rows by heart from it."
    if seen.text_holds in {"dates", "numbers"}:
        return
    if report.kind == "category" and report.n >= _LEAST_ROWS and report.distinct >= 0.95 * report.n:
        words = f"has a value of its own in almost every row ({count(report.distinct)} in {count(report.n)})"
        yield _flag("Identifier", "high", report, words, remedy)
    elif report.kind == "category" and report.distinct > _MANY_LEVELS:
        yield _flag(
            "HighCardinality",
            "low",
            report,
            f"has {count(report.distinct)} different categories",
            "Encode it with TargetEncoder, or OneHotEncoder with min_frequency; a one-hot column for each is many.",
        )
    elif numbers is not None and numbers.whole and report.n >= _LEAST_ROWS:
        share = report.distinct / min(seen.sampled, report.n)
        # Whole numbers drawn at random from so small a range would repeat: fewer than 80 in 100 would be different.
        if share > 0.95 and numbers.max - numbers.min < 2 * report.n:
            span = f"{number(numbers.min)} to {number(numbers.max)}"
            words = f"counts through: a whole number of its own in every row, {span}"
            yield _flag("Identifier", "high", report, words, remedy)
        elif share > 0.999 and report.n >= 1000:
            words = f"has a whole number of its own in every row ({count(report.n)})"
            yield _flag("Identifier", "medium", report, words, remedy)


def _says_nothing(report: ColumnReport) -> Iterator[Flag]:
    remedy = "Leave it out with data.exclude: it says nothing."
    if is_constant(report):
        if report.missing:
            remedy = "Leave it out, or use prepare's isMissing: only where it is missing may say something."
        value = (
            number(report.numbers.min) if report.numbers else (report.levels[0].name if report.levels else "one value")
        )
        yield _flag("Constant", "medium", report, f"always has the same value ({value})", remedy)
        return
    share = _top_share(report)
    if share is not None and share > 0.995:
        yield _flag("AlmostConstant", "low", report, f"has one value in {percent(share)} of the rows", remedy)


def is_constant(report: ColumnReport) -> bool:
    """Whether all values are the same; missing ones do not count."""
    if report.numbers is not None:
        return report.numbers.min == report.numbers.max
    if report.kind == "date":
        return report.first == report.last
    return report.kind == "category" and report.distinct == 1


def _top_share(report: ColumnReport) -> float | None:
    if report.levels and report.n:
        return report.levels[0].rows / report.n
    return report.numbers.zeros if report.numbers else None


def _has_gaps(seen: Seen, columns: int) -> Iterator[Flag]:
    report = seen.report
    share = report.missing / (report.n + report.missing)
    strength = report.missing_relation or 0.0
    if strength >= 0.1 and seen.missing_p < _MANY_TESTS_P / max(columns, 1):
        yield _flag(
            "MissingFollowsTarget",
            "high" if strength > 0.9 else "medium",
            report,
            f"is missing more often for some answers than for others (association {strength:.2f})",
            "Find out why. If values are filled in after the target is known, it leaks; if not, prepare's isMissing "
            "keeps it.",
        )
    if share >= 0.4:
        yield _flag(
            "Missing",
            "medium",
            report,
            f"is missing in {percent(share)} of the rows",
            "Mend the source, leave it out, or choose an imputer knowing that most of its values will be made up.",
        )


def _holds_something_else(seen: Seen) -> Iterator[Flag]:
    report = seen.report
    if report.kind == "date" or seen.text_holds == "dates":
        words = f"holds dates, {report.first} to {report.last}" if report.kind == "date" else "holds dates as text"
        remedy = (
            "Use prepare's dateParts or elapsed; if rows are in an order of time, data.split kind Time tests fairly."
        )
        yield _flag("Dates", "low", report, words, remedy)
    elif seen.text_holds == "numbers":
        remedy = "Declare it as number in data.schema; what is no number is then quarantined or named."
        yield _flag("NumbersAsText", "medium", report, "is text, but almost all of it are numbers", remedy)
    elif seen.text_holds == "mixed types":
        remedy = "Give it one type in the source, or declare it in data.schema."
        yield _flag("MixedTypes", "medium", report, "mixes text, numbers or booleans", remedy)
    elif report.kind == "other":
        remedy = "Take what is needed out of it in the source, or leave it out with data.exclude."
        yield _flag("MixedTypes", "medium", report, "holds lists, objects or other values that no model takes", remedy)


def _far(report: ColumnReport) -> Iterator[Flag]:
    numbers = report.numbers
    if numbers is None:
        return
    if numbers.infinite:
        words = f"holds {count(numbers.infinite)} infinite values"
        yield _flag("Infinite", "medium", report, words, "Mend them in the source: a run refuses them in a feature.")
    low, high = (numbers.quantiles or {}).get("0.25"), (numbers.quantiles or {}).get("0.75")
    if low is None or high is None or high <= low:
        return
    reach = max(numbers.max - high, low - numbers.min) / (high - low)
    if reach > 20:
        words = (
            f"reaches {reach:,.0f} times its usual width beyond its quartiles ({number(numbers.min)} to "
            f"{number(numbers.max)}, half of it within {number(low)} to {number(high)})"
        )
        remedy = "Look at the farthest rows; bound it in data.schema, or use prepare's log or RobustScaler."
        yield _flag("FarOutliers", "low", report, words, remedy)
