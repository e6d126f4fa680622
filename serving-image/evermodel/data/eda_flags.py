"""What a person should look at in the rows, the target and pairs of columns; and the order of all flags. Pure."""

from collections.abc import Iterator, Sequence
from typing import get_args

from evermodel.data.eda_document import Flag, Pairs, Severity, TargetReport, Topic
from evermodel.page import count, percent
from evermodel_api.training import Task

_SAME = 0.999
_LEAST_ROWS = 30
_RARE_ROWS = 20
_ORDER: tuple[Severity, ...] = get_args(Severity)


def target_flags(target: TargetReport, task: Task, rows: int) -> Iterator[Flag]:
    """The flags of the classes."""
    if task is not Task.CLASSIFICATION or not target.classes:
        return
    rare = [one for one in target.classes if one.rows < _RARE_ROWS]
    if rare:
        named = ", ".join(f"{one.name} ({one.rows})" for one in rare[:5]) + (", …" if len(rare) > 5 else "")
        yield Flag(
            topic="RareClass",
            severity="high",
            sentence=f"{len(rare)} of {len(target.classes)} classes have fewer than {_RARE_ROWS} rows: {named}",
            remedy="Give more rows of them, or join classes: what is measured on so few says little.",
        )
    known = rows - target.missing
    share = min(one.rows for one in target.classes) / known if known else 1.0
    if share < 0.1:
        yield Flag(
            topic="Imbalance",
            severity="medium" if share < 0.02 else "low",
            sentence=f"the rarest class has {percent(share)} of the rows",
            remedy="Choose by pr_auc or f1 and not by accuracy; class_weight, resample or a threshold may help.",
        )


def row_flags(duplicates: int | None, rows: int) -> Iterator[Flag]:
    """The flags of whole rows."""
    if duplicates:
        share = duplicates / rows
        yield Flag(
            topic="DuplicateRows",
            severity="medium" if share > 0.01 else "low",
            sentence=f"{count(duplicates)} rows ({percent(share)}) repeat an earlier row in every column",
            remedy="Look whether they are real; if not, add dedupe to data.rows. Equal rows are never on both sides of "
            "the split.",
        )


def pair_flags(*found: Pairs | None) -> Iterator[Flag]:
    """Columns that say the same."""
    for pairs in found:
        for pair in pairs.pairs if pairs else ():
            if abs(pair.value) >= _SAME and pair.rows >= _LEAST_ROWS:
                yield Flag(
                    topic="SameContent",
                    severity="low",
                    columns=(pair.left, pair.right),
                    sentence="say the same: one follows from the other",
                    remedy="Keep one of them; with both, what the model makes of each cannot be told apart.",
                )


def worst_first(flags: Sequence[Flag]) -> tuple[Flag, ...]:
    """By severity, then by topic; the columns stay in their order."""
    topics = get_args(Topic)
    return tuple(sorted(flags, key=lambda flag: (_ORDER.index(flag.severity), topics.index(flag.topic))))
