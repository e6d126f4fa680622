"""Two distributions side by side, bin by bin."""

from collections.abc import Sequence

from evermodel.page.amounts import percent
from evermodel.page.charts import label, svg
from evermodel.page.markup import Html, element

_SHORT = 12


def pairs(before: Sequence[float], now: Sequence[float], bins: Sequence[str]) -> Html:
    """Bars in pairs: grey for `before`, coloured for `now`.

    Args:
        before: share in each bin.
        now: the same, of something else.
        bins: their names; or, where there are other than as many names, the two ends of an axis.
    """
    width, height, left, top, bottom = 360, 140, 44, 10, 112
    most = max([*before, *now], default=0.0) or 1.0
    step = (width - left) / max(len(before), 1)
    parts = [
        element("line", x1=left, y1=bottom + 0.5, x2=width, y2=bottom + 0.5, class_="axis"),
        element("line", x1=left, y1=top + 0.5, x2=width, y2=top + 0.5, class_="grid"),
        label(left - 5, top + 4, percent(most), "end"),
        label(left - 5, bottom + 1, "0", "end"),
    ]
    for shares, colour, shift in ((before, "rest", 0.1), (now, "c1", 0.5)):
        for place, share in enumerate(shares):
            if share > 0:
                tall = max((bottom - top) * share / most, 1.0)
                x = left + (place + shift) * step
                parts.append(element("rect", x=x, y=bottom - tall, width=0.4 * step, height=tall, class_=colour))
    if len(bins) == len(before):
        parts += _names(bins, left, step, bottom)
    elif len(bins) == 2:
        shown = [_cut(name) for name in bins]
        parts += [label(left, bottom + 16, shown[0]), label(width, bottom + 16, shown[1], "end")]
    words = f"Before and now, {len(before)} bins, from {bins[0]} to {bins[-1]}" if bins else "Before and now"
    return svg(width, height, words, parts)


def _names(bins: Sequence[str], left: float, step: float, bottom: float) -> list[Html]:
    """As many names as have room, each below its bin."""
    room = max(int(step / 6.5), 1)
    if room < 3:
        ends = [(0, "start", left), (len(bins) - 1, "end", left + step * len(bins))]
        return [label(x, bottom + 16, _cut(bins[place]), anchor) for place, anchor, x in ends]
    return [
        label(left + (place + 0.5) * step, bottom + 16, _cut(name, room), "middle") for place, name in enumerate(bins)
    ]


def _cut(name: str, room: int = _SHORT) -> str:
    return name if len(name) <= room else f"{name[: room - 1]}\N{HORIZONTAL ELLIPSIS}"
