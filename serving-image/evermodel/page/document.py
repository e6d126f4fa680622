"""A whole page, and the pieces it is made of."""

from base64 import b64encode
from collections.abc import Iterable, Sequence
from hashlib import sha256
from importlib.resources import files

from evermodel.page.amounts import NOTHING
from evermodel.page.markup import Child, Html, element, join


def _asset(file: str) -> Html:
    return Html(files("evermodel.page").joinpath("assets", file).read_text("utf-8"))


def _policy(style: str, script: str) -> str:
    """What a browser may do with the page: our one style and one script, known by their hashes, and nothing else."""
    hashes = [b64encode(sha256(part.encode()).digest()).decode() for part in (style, script)]
    return (
        f"default-src 'none'; style-src 'sha256-{hashes[0]}'; script-src 'sha256-{hashes[1]}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def page(title: str, *body: Child) -> str:
    """A whole page in one file, that fetches nothing.

    Args:
        title: what the window is called.
        body: sections; their `id` and heading make the list of contents, see `section`.
    """
    style, script = _asset("page.css"), _asset("page.js")
    head = join(
        [
            element("meta", charset="utf-8"),
            element("meta", http_equiv="Content-Security-Policy", content=_policy(style, script)),
            element("meta", name="viewport", content="width=device-width, initial-scale=1"),
            element("meta", name="color-scheme", content="light dark"),
            element("link", rel="icon", href="data:,"),
            element("title", title),
            element("style", style),
        ]
    )
    main = element("main", *body)
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>{main}<script>{script}</script></body></html>\n'


def section(title: str, *body: Child, anchor: str) -> Html:
    """A part of the page with a heading, that `#anchor` leads to."""
    return element("section", element("h2", title), *body, id=anchor)


def facts(items: Iterable[tuple[str, Child]]) -> Html:
    """Numbers with what they are."""
    pairs = [element("div", element("dt", what), element("dd", value)) for what, value in items]
    return element("dl", *pairs, class_="facts")


def table(
    heads: Sequence[str], rows: Iterable[Sequence[Child]], *, numbers: Iterable[int] = (), anchor: str | None = None
) -> Html:
    """A table that scrolls by itself where the window is too narrow, and sorts by a column where scripts run.

    Args:
        heads: titles of the columns.
        rows: cells. A cell that is markup may carry what it is sorted by, see `sorted_by`.
        numbers: which columns hold numbers and so stand to the right.
        anchor: with it, a field above filters the rows.
    """
    right = set(numbers)
    kinds = ["num" if i in right else None for i in range(len(heads))]
    head = element(
        "tr", *(element("th", title, class_=kind, scope="col") for title, kind in zip(heads, kinds, strict=True))
    )
    body = [element("tr", *(_cell(cell, kind) for cell, kind in zip(row, kinds, strict=True))) for row in rows]
    whole = element("table", element("thead", head), element("tbody", *body), id=anchor)
    framed = element("div", whole, class_="scroll")
    return framed if anchor is None else join([_filter(anchor), framed])


class Sortable(Html):
    """Markup of a cell, with the number that it is sorted by."""

    __slots__ = ("key",)
    key: float | str


def sorted_by(key: float | str, content: Child) -> Sortable:
    """A cell that is sorted by `key` and not by what it shows."""
    cell = Sortable(join([content]))
    cell.key = key
    return cell


def _cell(cell: Child, kind: str | None) -> Html:
    key = str(cell.key) if isinstance(cell, Sortable) else None
    return element("td", cell, class_=kind, data_sort=key)


def _filter(anchor: str) -> Html:
    field = element("input", type="search", data_filters=anchor, placeholder="Filter", aria_label="Filter rows")
    return element("p", field, " ", element("span", class_="hint", data_count=anchor), class_="filter", hidden=True)


def warning(strength: str, title: Child, *body: Child) -> Html:
    """A box that stands out; `strength` is high, medium, low or good."""
    return element("div", element("p", element("strong", title)), *body, class_=f"warning {strength}")


def digest(value: str | None) -> Html:
    """A digest, whole, in small letters that may break anywhere."""
    return element("code", value or NOTHING, class_="digest")
