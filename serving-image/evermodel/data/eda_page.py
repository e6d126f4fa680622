"""The report on the data as one page for people. All that comes from the data is escaped (`evermodel.page.markup`)."""

from collections import defaultdict
from collections.abc import Sequence
from itertools import groupby

from evermodel.data.eda_document import Eda, Flag, Kind, Pairs
from evermodel.data.eda_page_columns import column_details, columns_table, target_body
from evermodel.page import (
    Child,
    Html,
    bar,
    count,
    element,
    facts,
    join,
    name,
    page,
    percent,
    section,
    sorted_by,
    table,
    warning,
)

TITLES = {
    "TargetCopy": "The target in other words",
    "Leak": "Knows the target too well",
    "Identifier": "Tells rows apart, and nothing else",
    "MissingFollowsTarget": "Missing values that follow the target",
    "Empty": "No value at all",
    "Constant": "Always the same",
    "AlmostConstant": "Almost always the same",
    "Missing": "Mostly missing",
    "SameContent": "Columns that say the same",
    "DuplicateRows": "Repeated rows",
    "RareClass": "Classes with few rows",
    "Imbalance": "Classes of very different size",
    "HighCardinality": "Very many categories",
    "Dates": "Dates",
    "NumbersAsText": "Numbers as text",
    "MixedTypes": "Values of several types",
    "Infinite": "Infinite values",
    "FarOutliers": "Values far from all others",
}
_SHOWN = 8
_KINDS: dict[Kind, tuple[str, str]] = {
    "number": ("number", "numbers"),
    "category": ("category", "categories"),
    "date": ("date", "dates"),
    "empty": ("without values", "without values"),
    "other": ("other", "others"),
}


def eda_page(eda: Eda, title: str = "Data report") -> str:
    """The page.

    Args:
        eda: what `evermodel.data.eda.explore` found.
        title: heading of the page.
    """
    parts: list[tuple[str, str, list[Child]]] = [
        ("look-at", "What to look at", flag_boxes(eda.flags)),
        ("target", "Target", target_body(eda)),
        ("columns", "Columns", columns_table(eda)),
        ("together", "Columns that go together", _together(eda)),
        ("missing", "Missing values", _missing(eda)),
        ("details", "Each column", column_details(eda)),
    ]
    links = element("nav", *(element("a", heading, href=f"#{anchor}") for anchor, heading, _ in parts))
    head = element("header", element("h1", title), element("p", _lead(eda), class_="lead"), _overview(eda), links)
    sections = [section(heading, *body, anchor=anchor) for anchor, heading, body in parts]
    return page(title, head, *_told(eda), *sections)


def _lead(eda: Eda) -> Html:
    what = "a class" if eda.task == "Classification" else "a number"
    return join(["What the rows of this training hold, and what they say of ", name(eda.target.name), f", {what}."])


def _overview(eda: Eda) -> Html:
    cells = eda.rows * (len(eda.columns) + 1)
    kinds: dict[Kind, int] = defaultdict(int)
    for column in eda.columns:
        kinds[column.kind] += 1
    listed = ", ".join(f"{count(n)} {_KINDS[kind][n > 1]}" for kind, n in kinds.items())
    return facts(
        [
            ("rows", count(eda.rows)),
            ("columns beside the target", count(len(eda.columns))),
            ("which are", listed or "none"),
            ("missing cells", percent(eda.missing_cells / cells if cells else None)),
            ("rows without a gap", percent(eda.complete_rows / eda.rows if eda.rows else None)),
            ("repeated rows", "not counted" if eda.duplicates is None else count(eda.duplicates)),
        ]
    )


def _told(eda: Eda) -> list[Child]:
    told: list[Child] = []
    if eda.sample_rows < eda.rows:
        told.append(
            element(
                "p",
                f"Counts, means and ranges are of all {count(eda.rows)} rows; quantiles, pictures and relations of an "
                f"even choice of {count(eda.sample_rows)} of them.",
                class_="hint",
            )
        )
    if eda.time_over:
        left = f"{count(len(eda.only_summarised))} columns were only counted" if eda.only_summarised else ""
        what = left or "pairs of columns, or repeated rows, were not looked for"
        remedy = element("p", f"Therefore {what}. Nothing that was fitted depends on this report.")
        told.append(warning("medium", "The time for this report was over before it was whole", remedy))
    return told


def flag_boxes(flags: Sequence[Flag]) -> list[Child]:
    """Boxes, worst first: one for each topic and remedy."""
    if not flags:
        return [warning("good", "Nothing stood out.")]
    boxes: list[Child] = []
    for (severity, topic), found in groupby(flags, key=lambda flag: (flag.severity, flag.topic)):
        same = list(found)
        for remedy in dict.fromkeys(flag.remedy for flag in same):
            sentences = [_sentence(flag) for flag in same if flag.remedy == remedy]
            boxes.append(warning(severity, TITLES[topic], *_sentences(sentences), element("p", remedy, class_="hint")))
    return boxes


def _sentence(flag: Flag) -> Html:
    names: list[Child] = []
    for place, column in enumerate(flag.columns):
        names += [" and " if place else None, name(column)]
    whole = flag.sentence if flag.columns else flag.sentence[:1].upper() + flag.sentence[1:]
    return join([*names, " " if names else None, whole, "."])


def _sentences(sentences: Sequence[Html]) -> list[Html]:
    if len(sentences) == 1:
        return [element("p", sentences[0])]
    items = [element("li", sentence) for sentence in sentences]
    first = element("ul", *items[:_SHOWN], class_="plain")
    if len(items) <= _SHOWN:
        return [first]
    more = element("summary", f"{count(len(items) - _SHOWN)} more")
    return [first, element("details", more, element("ul", *items[_SHOWN:], class_="plain"))]


def _together(eda: Eda) -> list[Child]:
    numbers = _pairs(eda.numbers_together, "Numbers and dates (rank correlation)")
    categories = _pairs(eda.categories_together, "Categories (Cramér's V)")
    return [*numbers, *categories]


def _pairs(pairs: Pairs | None, title: str) -> list[Child]:
    head = element("h3", title)
    if pairs is None:
        return [head, element("p", "Not looked for: the time was over before.", class_="hint")]
    if not pairs.pairs:
        what = (
            f"None of the {count(pairs.compared)} columns go together" if pairs.compared > 1 else "Nothing to compare"
        )
        return [head, element("p", what, " (all below 0.3)." if pairs.compared > 1 else ".", class_="hint")]
    rows = [
        (
            name(pair.left),
            name(pair.right),
            sorted_by(abs(pair.value), join([bar(abs(pair.value), 1 if pair.value < 0 else 0)])),
            sorted_by(abs(pair.value), f"{pair.value:.3f}"),
            count(pair.rows),
        )
        for pair in pairs.pairs
    ]
    return [head, _extent(pairs), table(("Column", "Column", "", "Value", "Rows"), rows, numbers=(3, 4))]


def _extent(pairs: Pairs) -> Html:
    left = f"; the {count(pairs.left_out)} that say least of the target were not" if pairs.left_out else ""
    words = f"{count(pairs.compared)} columns were compared{left}, in {count(pairs.rows)} rows. The strongest pairs:"
    if any(pair.value < 0 for pair in pairs.pairs):
        words += " orange bars are those where one falls when the other rises."
    return element("p", words, class_="hint")


def _missing(eda: Eda) -> list[Child]:
    gaps = sorted((column for column in eda.columns if column.missing), key=lambda column: -column.missing)
    if not gaps:
        return [element("p", "No value is missing.")]
    rows = []
    for column in gaps:
        share = column.missing / eda.rows
        strength = column.missing_relation
        said = None if strength is None else sorted_by(strength, f"{strength:.2f}")
        rows.append((name(column.name), count(column.missing), bar(share), sorted_by(share, percent(share)), said))
    heads = ("Column", "Rows without it", "", "Share", "Follows the target")
    hint = "How much it says of the target that a value is missing: 0 is nothing, 1 is all."
    return [
        element("p", hint, class_="hint"),
        table(heads, rows, numbers=(1, 3, 4), anchor="missing-table" if len(rows) > 20 else None),
        *_pairs(eda.missing_together, "Missing in the same rows"),
    ]
