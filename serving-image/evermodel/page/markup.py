"""Markup that is safe by its type: a plain `str` is escaped wherever it is put in, `Html` is not.

Names and levels of columns come from data that nobody has looked at, so that there must be no way to forget it.
"""

import re
from collections.abc import Iterable
from html import escape

# Characters that no HTML document may hold, and halves of characters that cannot be written as UTF-8.
_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_LONG = 32
"""Longer names may be broken anywhere."""
_EMPTY = frozenset({"input", "meta", "link", "br", "rect", "line", "path", "circle", "polyline"})


class Html(str):
    """Markup. Made by the functions of this package only; everything else is text."""

    __slots__ = ()


Child = str | int | float | None
"""What an element may hold: markup, text, a number, or nothing."""


def text(value: object) -> Html:
    """Any value as text.

    >>> text('<b title="x">')
    '&lt;b title=&quot;x&quot;&gt;'
    """
    return Html(escape(_UNFIT.sub("\N{REPLACEMENT CHARACTER}", str(value)), quote=True))


def join(parts: Iterable[Child]) -> Html:
    """Parts one after the other."""
    return Html("".join(part if isinstance(part, Html) else text(part) for part in parts if part is not None))


def element(tag: str, *children: Child, **attributes: str | float | bool | None) -> Html:
    """One element.

    Args:
        tag: its name.
        children: what it holds; text is escaped.
        attributes: `class_` stands for class and `data_sort` for data-sort; True writes the name alone, None and False
            nothing.

    >>> element("p", "1 < 2", class_="hint", hidden=True)
    '<p class="hint" hidden>1 &lt; 2</p>'
    """
    listed = "".join(
        f" {key}" if value is True else f' {key}="{text(_short(value))}"'
        for key, value in ((_attribute(key), value) for key, value in attributes.items())
        if value is not None and value is not False
    )
    if tag in _EMPTY:
        return Html(f"<{tag}{listed}{'/' if tag in _SVG else ''}>")
    return Html(f"<{tag}{listed}>{join(children)}</{tag}>")


_SVG = frozenset({"rect", "line", "path", "circle", "polyline"})


def _attribute(key: str) -> str:
    return key.rstrip("_").replace("_", "-")


def _short(value: str | float) -> str | float:
    """Numbers in pictures need no more than two digits after the point."""
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else value


def name(value: object) -> Html:
    """A name from the data: set apart, so that a name that runs from right to left turns nothing around it."""
    words = str(value)
    return element("bdi", words, class_="name long" if len(words) > _LONG else "name")
