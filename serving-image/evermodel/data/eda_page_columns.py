"""The parts of the report that show columns: the target, the table of all columns, and each by itself."""

import re
from collections.abc import Sequence

from evermodel.data.eda_column import moment_text
from evermodel.data.eda_document import ColumnReport, Eda, Flag, Histogram, Numbers, Relation
from evermodel.page import (
    Child,
    Html,
    bar,
    count,
    element,
    facts,
    histogram,
    join,
    name,
    number,
    percent,
    sorted_by,
    sparkline,
    stack,
    table,
    text,
    trend,
)

_MEASURES = {"auc": "AUC", "cramersV": "Cramér's V", "spearman": "rank correlation", "eta": "correlation ratio"}
_KINDS = {"number": "number", "category": "category", "date": "date", "empty": "no value", "other": "other"}


def target_body(eda: Eda) -> list[Child]:
    """The classes, or the spread of the number."""
    target = eda.target
    if target.numbers is not None and target.histogram is not None:
        return [
            element("div", _picture(target.histogram, eda, target.numbers), _numbers(target.numbers), class_="sides")
        ]
    if not target.classes:
        return [element("p", "There is no answer in any row.")]
    known = eda.rows - target.missing
    shown = [(one.name, float(one.rows)) for one in target.classes[:5]]
    rest = known - sum(one.rows for one in target.classes[:5])
    legend = stack([*shown, ("all others", float(rest))] if rest else shown, "Share of each class")
    rows = [
        (name(one.name), count(one.rows), sorted_by(one.rows, percent(one.rows / known if known else None)))
        for one in target.classes
    ]
    more = element("p", f"and {count(target.other_classes)} more classes", class_="hint")
    return [legend, table(("Class", "Rows", "Share"), rows, numbers=(1, 2)), more if target.other_classes else None]


def columns_table(eda: Eda) -> list[Child]:
    """All columns, those that say most of the target first."""
    flagged = _flags_of(eda.flags)
    order = sorted(range(len(eda.columns)), key=lambda i: (-_strength(eda.columns[i]), i))
    rows = [_row(place, eda.columns[place], eda, flagged.get(eda.columns[place].name, [])) for place in order]
    hint = (
        "Relation: how much a column by itself says of the target, 0 to 1 on one scale for all. It shows association "
        "and not cause. Explained: the share of the target's uncertainty that goes away when the column is known."
    )
    heads = ("Column", "Kind", "Missing", "Distinct", "Holds", "Spread", "Relation", "", "Explained", "Look at")
    return [element("p", hint, class_="hint"), table(heads, rows, numbers=(2, 3, 7, 8), anchor="columns-table")]


def _flags_of(flags: Sequence[Flag]) -> dict[str, list[Flag]]:
    found: dict[str, list[Flag]] = {}
    for flag in flags:
        for column in flag.columns:
            found.setdefault(column, []).append(flag)
    return found


def _strength(column: ColumnReport) -> float:
    return column.relation.strength if column.relation else -1.0


def _row(place: int, column: ColumnReport, eda: Eda, flags: Sequence[Flag]) -> Sequence[Child]:
    relation = column.relation
    link = element("a", name(column.name), href=f"#column-{place}")
    share = column.missing / eda.rows if eda.rows else 0.0
    counts = column.histogram.counts if column.histogram else [level.rows for level in column.levels]
    drawn = sparkline(counts, "Spread") if any(counts) else None
    chips = join(element("span", _words(flag.topic), class_=f"chip {flag.severity}") for flag in flags)
    return (
        sorted_by(column.name, link),
        _KINDS[column.kind],
        sorted_by(share, percent(share)),
        sorted_by(column.distinct or 0, count(column.distinct)),
        _holds(column),
        drawn,
        sorted_by(relation.strength, bar(relation.strength, width=80)) if relation else None,
        sorted_by(relation.strength, f"{relation.strength:.2f}") if relation else None,
        sorted_by(relation.explained, percent(relation.explained)) if relation else None,
        chips,
    )


def _words(topic: str) -> str:
    """TargetCopy as "Target copy"."""
    return re.sub(r"(?<=[a-z])([A-Z])", lambda found: " " + found[1].lower(), topic)


def _holds(column: ColumnReport) -> Child:
    if column.numbers is not None:
        return f"{number(column.numbers.min)} to {number(column.numbers.max)}"
    if column.kind == "date":
        return f"{(column.first or '')[:10]} to {(column.last or '')[:10]}"
    if column.levels:
        shown = ", ".join(level.name if len(level.name) <= 24 else level.name[:23] + "…" for level in column.levels[:3])
        return shown + (", …" if len(column.levels) > 3 or column.other_rows else "")
    return None


def column_details(eda: Eda) -> list[Child]:
    """One part for each column that opens by itself."""
    flagged = _flags_of(eda.flags)
    unlooked = set(eda.only_summarised)
    details: list[Child] = []
    for place, column in enumerate(eda.columns):
        facts_line = f" {_KINDS[column.kind]}, {count(column.n)} values"
        title = element("summary", name(column.name), element("span", facts_line, class_="hint"))
        body = element("div", *_details(column, eda, flagged.get(column.name, [])), id=f"column-{place}")
        late = element("p", "Only counted: the time was over.", class_="hint") if column.name in unlooked else None
        details.append(element("details", title, body, late, class_="column"))
    return details


def _details(column: ColumnReport, eda: Eda, flags: Sequence[Flag]) -> list[Child]:
    notes = [element("li", element("strong", _words(flag.topic)), ": ", _told(flag, column.name)) for flag in flags]
    left: list[Child] = [element("ul", *notes, class_="plain") if notes else None]
    left.append(facts(_facts(column, eda)))
    if column.numbers is not None:
        left.append(_numbers(column.numbers))
    right: Child = None
    if column.histogram is not None:
        right = _picture(column.histogram, eda, column.numbers)
    elif column.levels:
        right = _levels(column, eda)
    return [element("div", element("div", *left), element("div", right), class_="sides")]


def _told(flag: Flag, column: str) -> Html:
    others = [other for other in flag.columns if other != column]
    partner = join(["with ", name(others[0]), ": "]) if others else None
    return join([partner, flag.sentence, ". ", element("span", flag.remedy, class_="hint")])


def _facts(column: ColumnReport, eda: Eda) -> list[tuple[str, Child]]:
    listed: list[tuple[str, Child]] = [("type", column.type)]
    if column.distinct is not None:
        listed.append(("distinct", count(column.distinct)))
    listed.append(("missing", percent(column.missing / eda.rows if eda.rows else None)))
    if column.first is not None:
        listed += [("first", column.first), ("last", column.last)]
    if column.relation is not None:
        listed.append((_MEASURES[column.relation.measure], _value(column.relation)))
        if column.relation.linear is not None:
            listed.append(("linear correlation", f"{column.relation.linear:.3f}"))
        listed.append(("explained", percent(column.relation.explained)))
    if column.missing_relation is not None:
        listed.append(("missing follows target", f"{column.missing_relation:.2f}"))
    return listed


def _value(relation: Relation) -> str:
    return f"{relation.value:.3f}"


def _numbers(numbers: Numbers) -> Html:
    marks = numbers.quantiles or {}
    named = [("1 %", "0.01"), ("5 %", "0.05"), ("25 %", "0.25"), ("median", "0.5")]
    named += [("75 %", "0.75"), ("95 %", "0.95"), ("99 %", "0.99")]
    rows: list[tuple[Child, Child]] = [("smallest", number(numbers.min))]
    rows += [(title, number(marks[level])) for title, level in named if level in marks]
    rows += [("largest", number(numbers.max))]
    rest: list[tuple[Child, Child]] = [
        ("mean", number(numbers.mean)),
        ("standard deviation", number(numbers.sd)),
        ("zeros", percent(numbers.zeros)),
    ]
    if numbers.outliers is not None:
        rest.append(("beyond Tukey's fences", percent(numbers.outliers)))
    if numbers.infinite:
        rest.append(("infinite", count(numbers.infinite)))
    tables = [table(("Quantile", "Value"), rows, numbers=(1,)), table(("All values", ""), rest, numbers=(1,))]
    return element("div", *tables, class_="sides narrow")


def _picture(drawn: Histogram, eda: Eda, numbers: Numbers | None) -> Html:
    if numbers is None:
        low, high = moment_text(drawn.low)[:10], moment_text(drawn.high)[:10]
    else:
        # Whole numbers have bins around them: what is written is the number and not the bin's edge.
        low, high = number(max(drawn.low, numbers.min)), number(min(drawn.high, numbers.max))
    parts: list[Child] = [histogram(drawn.counts, low, high, groups=drawn.by_class, title="Rows by value")]
    if drawn.by_class:
        parts.append(_legend(eda))
    beyond = [f"{count(rows)} {where}" for rows, where in ((drawn.below, "below"), (drawn.above, "above")) if rows]
    if beyond:
        parts.append(element("p", f"Not drawn: {' and '.join(beyond)}.", class_="hint"))
    if any(value is not None for value in drawn.target_means):
        parts.append(element("figcaption", "Mean of ", name(eda.target.name), " in each bin"))
        parts.append(trend(drawn.target_means, "Mean of the target in each bin"))
    return element("figure", *parts)


def _legend(eda: Eda) -> Html:
    items = [element("li", _key(f"c{i}"), " ", name(level)) for i, level in enumerate(eda.target.drawn)]
    if len(eda.target.classes) > len(eda.target.drawn):
        items.append(element("li", _key("rest"), " all others"))
    return element("ul", *items, class_="legend")


def _key(colour: str) -> Html:
    square = element("rect", width=10, height=10, rx=2, class_=colour)
    return element("svg", square, class_="key", viewBox="0 0 10 10")


def _levels(column: ColumnReport, eda: Eda) -> Html:
    most = max(level.rows for level in column.levels)
    by_class, drawn = bool(eda.target.drawn), eda.target.drawn[-1:] if len(eda.target.classes) == 2 else ()
    heads = ["Category", "Rows", ""]
    if drawn:
        heads.append(f"Share of {drawn[0]}")
    elif by_class:
        heads.append("Most often")
    else:
        heads.append(f"Mean of {eda.target.name}")
    rows: list[list[Child]] = []
    for level in column.levels:
        row: list[Child] = [_level_name(level.name), count(level.rows), bar(level.rows / most)]
        if drawn:
            whole = sum(level.by_class)
            row.append(percent(level.by_class[1] / whole if whole else None))
        elif by_class:
            best = max(range(len(level.by_class)), key=lambda i: level.by_class[i], default=0)
            row.append(name(eda.target.drawn[best]) if any(level.by_class) else None)
        else:
            row.append(number(level.target_mean))
        rows.append(row)
    if column.other_rows:
        rows.append([element("i", "all others"), count(column.other_rows), None, None])
    return table(heads, rows, numbers=(1, 3) if not (by_class and not drawn) else (1,))


def _level_name(level: str) -> Html:
    return name(level) if level.strip() else element("i", text("(blank)" if level else "(empty text)"))
