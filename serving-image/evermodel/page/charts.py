"""Small pictures as inline SVG. Colours come from the style sheet, so that they fit light and dark."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from evermodel.page.amounts import number
from evermodel.page.markup import Html, element, join, text

COLOURS = 6
"""The style sheet has the classes c0 to c5; later series begin again."""


@dataclass(frozen=True)
class Series:
    """Points of one kind in a scatter plot."""

    title: str
    points: Sequence[tuple[float, float]]
    """x and y."""
    colour: int = 0
    mark: Literal["dot", "hollow", "ring"] = "dot"
    """A ring goes around a point of another series."""


def svg(width: int, height: int, title: str, parts: Sequence[Html], kind: str = "chart") -> Html:
    """A picture with a title for those who cannot see it."""
    picture = join([element("title", title), *parts])
    return element("svg", picture, class_=kind, viewBox=f"0 0 {width} {height}", width=width, height=height, role="img")


def label(x: float, y: float, words: str, anchor: str = "start") -> Html:
    """Words in a picture."""
    return Html(f'<text x="{x:.4g}" y="{y:.4g}" text-anchor="{anchor}">{text(words)}</text>')


def _columns(counts: Sequence[float], floor: Sequence[float], box: tuple[float, float, float, float]) -> str:
    """One path of bars that stand on `floor`; `box` is left, top, width and height of the picture, counts are 0..1."""
    left, top, width, height = box
    step = width / max(len(counts), 1)
    gap = min(1.0, step * 0.15)
    drawn = []
    for i, (share, under) in enumerate(zip(counts, floor, strict=True)):
        if share <= 0:
            continue
        # A bar that is there can be seen, however small it is beside the others.
        tall = max(share * height, 1.0)
        x, y = left + i * step + gap / 2, top + height * (1 - under) - tall
        drawn.append(f"M{x:.1f} {y:.1f}h{step - gap:.1f}v{tall:.1f}h-{step - gap:.1f}z")
    return "".join(drawn)


def _stacked(
    counts: Sequence[int], groups: Sequence[Sequence[int]], box: tuple[float, float, float, float]
) -> list[Html]:
    """Bars, each divided by group; what belongs to no group stands grey on top."""
    top = max(counts, default=0) or 1
    floor = [0.0] * len(counts)
    paths = []
    rest = [whole - sum(group[i] for group in groups) for i, whole in enumerate(counts)]
    layers = [(group, f"c{i % COLOURS}") for i, group in enumerate(groups)]
    layers.append((rest, "rest" if groups else "c0"))
    for layer, colour in layers:
        shares = [value / top for value in layer]
        if any(share > 0 for share in shares):
            paths.append(element("path", d=_columns(shares, floor, box), class_=colour))
        floor = [under + share for under, share in zip(floor, shares, strict=True)]
    return paths


def sparkline(counts: Sequence[int], title: str) -> Html:
    """A histogram as small as a word."""
    top = max(counts, default=0) or 1
    path = _columns([value / top for value in counts], [0.0] * len(counts), (0, 1, 90, 21))
    return svg(90, 22, title, [element("path", d=path, class_="c0")], "spark")


def histogram(
    counts: Sequence[int], low: str, high: str, *, groups: Sequence[Sequence[int]] = (), title: str = "Histogram"
) -> Html:
    """Bars over an axis from `low` to `high`.

    Args:
        counts: rows in each bin, shape (bins,).
        low: where the first bin begins, as text.
        high: where the last one ends.
        groups: rows of each group in each bin, shape (groups, bins): bars are divided by colour.
        title: what the picture shows, for those who cannot see it.
    """
    width, height, left, bottom = 360, 130, 44, 112
    most = max(counts, default=0)
    axis = [
        element("line", x1=left, y1=bottom + 0.5, x2=width, y2=bottom + 0.5, class_="axis"),
        element("line", x1=left, y1=10.5, x2=width, y2=10.5, class_="grid"),
        label(left - 5, 14, number(most), "end"),
        label(left - 5, bottom + 1, "0", "end"),
        label(left, height - 4, low),
        label(width, height - 4, high, "end"),
    ]
    return svg(width, height, title, [*axis, *_stacked(counts, groups, (left, 10, width - left, bottom - 10))], "chart")


def trend(values: Sequence[float | None], title: str) -> Html:
    """A line through one value for each bin of the histogram above it; nothing where there is no value."""
    width, height, left, bottom = 360, 84, 44, 72
    known = [value for value in values if value is not None]
    if not known:
        return Html("")
    low, high = min(known), max(known)
    spread = high - low or 1.0
    step = (width - left) / len(values)
    places = [
        (left + (i + 0.5) * step, bottom - (value - low) / spread * (bottom - 12))
        for i, value in enumerate(values)
        if value is not None
    ]
    parts = [
        element("line", x1=left, y1=12.5, x2=width, y2=12.5, class_="grid"),
        element("line", x1=left, y1=bottom + 0.5, x2=width, y2=bottom + 0.5, class_="grid"),
        label(left - 5, 16, number(high), "end"),
        *([label(left - 5, bottom + 3, number(low), "end")] if high > low else []),
        element("polyline", points=" ".join(f"{x:.1f},{y:.1f}" for x, y in places), class_="line"),
        *(element("circle", cx=round(x, 1), cy=round(y, 1), r=2.2, class_="c1") for x, y in places),
    ]
    return svg(width, height, title, parts)


def bar(share: float, colour: int = 0, width: int = 120) -> Html:
    """A bar that fills `share` (0 to 1) of its place."""
    filled = min(max(share, 0.0), 1.0) * width
    track = element("rect", x=0, y=0, width=width, height=8, rx=2, class_="track")
    seen = max(filled, 1.5) if share > 0 else 0.0
    fill = element("rect", x=0, y=0, width=round(seen, 1), height=8, rx=2, class_=f"c{colour % COLOURS}")
    return svg(width, 8, f"{100 * share:.1f} %", [track, fill] if seen else [track], "bar")


def stack(parts: Sequence[tuple[str, float]], title: str) -> Html:
    """One bar divided into parts, each with a name, below it a legend with the shares."""
    whole = sum(value for _, value in parts)
    if whole <= 0:
        return Html("")
    left, drawn, legend = 0.0, [], []
    for i, (words, value) in enumerate(parts):
        width = 720 * value / whole
        colour = f"c{i % COLOURS}"
        drawn.append(element("rect", x=round(left, 1), y=0, width=round(max(width, 0.5), 1), height=18, class_=colour))
        left += width
        key = element(
            "svg", element("rect", width=10, height=10, rx=2, class_=colour), class_="key", viewBox="0 0 10 10"
        )
        legend.append(element("li", key, " ", words))
    picture = svg(720, 18, title, drawn, "stack")
    return element("figure", picture, element("ul", *legend, class_="legend"))


def whisker(value: float, interval: tuple[float, float] | None, low: float, high: float) -> Html:
    """A value with its interval, on an axis from `low` to `high`."""
    width, middle = 180, 8

    def place(x: float) -> float:
        inside = min(max(x, low), high)
        return 6 + (width - 12) * ((inside - low) / (high - low) if high > low else 0.5)

    parts = [element("line", x1=0, y1=middle, x2=width, y2=middle, class_="grid")]
    if interval is not None:
        left, right = place(interval[0]), place(interval[1])
        parts.append(element("line", x1=round(left, 1), y1=middle, x2=round(right, 1), y2=middle, class_="range"))
    parts.append(element("circle", cx=round(place(value), 1), cy=middle, r=4, class_="c0"))
    return svg(width, 16, f"{value:.4g} on an axis from {low:.4g} to {high:.4g}", parts, "bar")


def scatter(series: Sequence[Series], x_title: str, y_title: str, line: Sequence[tuple[float, float]] = ()) -> Html:
    """Points of one or more series, and a line."""
    points = [point for one in series for point in one.points] + list(line)
    points = [(x, y) for x, y in points if math.isfinite(x) and math.isfinite(y)]
    if not points:
        return Html("")
    width, height, left, bottom, top = 720, 240, 64, 204, 14
    (x0, x1), (y0, y1) = _bounds([x for x, _ in points]), _bounds([y for _, y in points])

    def place(x: float, y: float) -> tuple[float, float]:
        across, up = (x - x0) / (x1 - x0), (y - y0) / (y1 - y0)
        return left + 8 + across * (width - left - 16), bottom - 6 - up * (bottom - top - 12)

    parts = [
        element("line", x1=left, y1=bottom + 0.5, x2=width, y2=bottom + 0.5, class_="axis"),
        element("line", x1=left - 0.5, y1=top, x2=left - 0.5, y2=bottom, class_="axis"),
        *(label(left - 6, place(x0, y)[1] + 4, number(y), "end") for y in (y0, (y0 + y1) / 2, y1)),
        label(place(x0, y0)[0], bottom + 16, number(x0), "middle"),
        label(place(x1, y0)[0], bottom + 16, number(x1), "end"),
        label((left + width) / 2, height - 4, x_title, "middle"),
    ]
    if len(line) > 1:
        drawn = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*point) for point in line))
        parts.append(element("polyline", points=drawn, class_="best"))
    for one in series:
        for x, y in (place(*point) for point in one.points if all(map(math.isfinite, point))):
            parts.append(_mark(one, round(x, 1), round(y, 1), 4))
    keys = [element("li", _key(one), " ", one.title) for one in series if one.points]
    picture = svg(width, height, f"{y_title} by {x_title}", parts)
    caption = element("figcaption", y_title)
    return element("figure", caption, element("div", picture, class_="scroll"), element("ul", *keys, class_="legend"))


def _key(one: Series) -> Html:
    return element("svg", _mark(one, 5, 5, 3), class_="key", viewBox="0 0 10 10")


def _mark(one: Series, x: float, y: float, size: float) -> Html:
    if one.mark == "ring":
        return element("circle", cx=x, cy=y, r=1.6 * size, class_="ring")
    kind = f"hollow c{one.colour}" if one.mark == "hollow" else f"c{one.colour}"
    return element("circle", cx=x, cy=y, r=size, class_=kind)


def _bounds(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    reach = max(0.5, abs(low) / 100)
    return (low, high) if high > low else (low - reach, high + reach)
