"""Text for terminals: aligned columns that fit, numbers in a few digits, colour only where there is a terminal."""

import os
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

WIDTH = 100
"""Columns that everything fits."""
_MARKS = {"bold": "1", "good": "32", "bad": "31", "faint": "2"}


@dataclass(frozen=True)
class Paint:
    """Colours, or none."""

    on: bool

    def __call__(self, text: str, mark: str) -> str:
        """The text in a mark: bold, good, bad or faint."""
        return f"\x1b[{_MARKS[mark]}m{text}\x1b[0m" if self.on and text else text


def paint_for_output() -> Paint:
    """Colours when standard output is a terminal and nobody set NO_COLOR."""
    return Paint(sys.stdout.isatty() and not os.environ.get("NO_COLOR"))


@dataclass(frozen=True)
class Column:
    """A column of a table."""

    title: str
    right: bool = False
    """Numbers stand at the right."""
    shrinks: bool = False
    """Whether its cells are cut when the table is too wide."""


def table(columns: Sequence[Column], rows: Sequence[Sequence[str]], paint: Paint, *, indent: int = 0) -> list[str]:
    """Lines of an aligned table, each at most 100 wide; columns that nobody fills are left out.

    Args:
        columns: what stands above.
        rows: cells, as many as columns.
        paint: makes the titles bold.
        indent: spaces before each line.
    """
    filled = [n for n in range(len(columns)) if any(row[n] for row in rows)]
    kept = [columns[n] for n in filled]
    cells = [[printable(row[n]) for n in filled] for row in rows]
    widths = [max([len(column.title), *(len(row[n]) for row in cells)]) for n, column in enumerate(kept)]
    gap = 2 if _total(widths, 2) + indent <= WIDTH else 1
    _shrink(kept, widths, WIDTH - indent - gap * (len(kept) - 1))
    lead, between = " " * indent, " " * gap

    def line(texts: Sequence[str]) -> str:
        sized = [_fit(text, width, right=column.right) for text, width, column in zip(texts, widths, kept, strict=True)]
        return f"{lead}{between.join(sized)}".rstrip()

    return [paint(line([column.title for column in kept]), "bold"), *map(line, cells)]


def _total(widths: Sequence[int], gap: int) -> int:
    return sum(widths) + gap * (len(widths) - 1)


def _shrink(columns: Sequence[Column], widths: list[int], room: int) -> None:
    """Take from the widest column that may be cut until all fit, or each has eight left."""
    while sum(widths) > room:
        can = [n for n, column in enumerate(columns) if column.shrinks and widths[n] > 8]
        if not can:
            return
        widths[max(can, key=lambda n: widths[n])] -= 1


def _fit(text: str, width: int, *, right: bool) -> str:
    shown = cut(text, width)
    return shown.rjust(width) if right else shown.ljust(width)


def wrapped(text: str, indent: int = 2) -> list[str]:
    """Lines of a text, at most 100 wide; an address that is longer is left whole, to be copied."""
    lead = " " * indent
    return textwrap.wrap(
        printable(text),
        WIDTH,
        initial_indent=lead,
        subsequent_indent=lead,
        break_long_words=False,
        break_on_hyphens=False,
    ) or [""]


def cut(text: str, width: int) -> str:
    """The text, or its beginning and an ellipsis.

    >>> cut("HistGradientBoosting", 8)
    'HistGra…'
    """
    return text if len(text) <= width else f"{text[: width - 1]}…"


def printable(text: str) -> str:
    """The text without what moves a terminal's cursor: names and levels come from the data.

    >>> printable("a" + chr(27) + "[2Jb")
    'a?[2Jb'
    """
    return "".join(character if character.isprintable() else "?" for character in text)


def value_text(value: Any) -> str:
    """A value of a spec or of a parameter, short.

    >>> value_text(None), value_text(0.1), value_text({"a": [1]}), value_text("text"), value_text(True)
    ('-', '0.1', '{a: [1]}', 'text', 'true')
    """
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {value_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(value_text, value)) + "]"
    return str(value)


def score_text(value: float | None) -> str:
    """A score: four digits after the point, or four that count where that would say nothing.

    >>> score_text(0.91236), score_text(0.0000123), score_text(None), score_text(12345.678)
    ('0.9124', '1.23e-05', '', '12345.7')
    """
    if value is None or value != value:  # noqa: PLR0124  NaN alone differs from itself
        return ""
    if value != 0 and abs(value) < 0.001:
        return f"{value:.4g}"
    return f"{value:.4f}" if abs(value) < 1000 else f"{value:.1f}"


def count_text(count: int | None) -> str:
    """A count, with thousands set apart.

    >>> count_text(1234567), count_text(None)
    ('1,234,567', '')
    """
    return "" if count is None else f"{count:,}"


def seconds_text(seconds: float | None) -> str:
    """Seconds: a digit after the point while they are few.

    >>> seconds_text(3.14159), seconds_text(1234.5), seconds_text(None)
    ('3.1', '1234', '')
    """
    if seconds is None:
        return ""
    return f"{seconds:.1f}" if seconds < 100 else f"{seconds:.0f}"


def short_digest(digest: str | None) -> str:
    """The beginning of a digest.

    >>> short_digest("sha256:4761dd46c4e6"), short_digest(None)
    ('4761dd4', '')
    """
    return "" if digest is None else digest.removeprefix("sha256:")[:7]
