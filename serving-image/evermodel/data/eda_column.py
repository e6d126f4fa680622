"""What one column holds: counts from all rows, distributions from those that are looked at closely."""

import math
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from evermodel.data.eda_cells import Cells
from evermodel.data.eda_document import ColumnReport, Histogram, Level, Numbers
from evermodel.data.eda_statistics import Codes, Floats
from evermodel.data.eda_target import Truth, relate, relate_missing

if TYPE_CHECKING:
    import pandas as pd

BINS = 24
_EARLIEST, _LATEST = -62135596800, 253402300799
_MOST_LEVELS = 12
_LONGEST_LEVEL = 80
_QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
_ROUNDING = 1e-12
"""A mean so small beside the spread is what rounding left of 0."""
_FENCE = 1.5
_FAR = 3.0
"""Values more interquartile ranges than this from the quartiles are not drawn."""


def digits(value: float) -> float:
    """Six digits that count."""
    return float(f"{value:.6g}")


def summarise(name: str, raw: "pd.Series[Any]", cells: Cells) -> ColumnReport:
    """What takes one look at all rows."""
    absent = int(cells.absent.sum())
    report = ColumnReport(
        name=name, kind=cells.kind, type=str(raw.dtype), n=len(raw) - absent, missing=absent - cells.infinite
    )
    if cells.kind == "category":
        return report.model_copy(update={"distinct": len(cells.levels)})
    if cells.kind == "number":
        return report.model_copy(update={"numbers": _moments(cells)})
    if cells.kind == "date":
        first, last = float(np.nanmin(cells.numbers)), float(np.nanmax(cells.numbers))
        return report.model_copy(update={"first": moment_text(first), "last": moment_text(last)})
    return report


def _moments(cells: Cells) -> Numbers | None:
    present = cells.numbers[~np.isnan(cells.numbers)]
    if len(present) == 0:
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        mean, sd = float(present.mean()), float(present.std())
    if abs(mean) < _ROUNDING * sd:
        mean = 0.0
    return Numbers(
        min=float(present.min()),
        max=float(present.max()),
        mean=digits(mean) if math.isfinite(mean) else None,
        sd=digits(sd) if math.isfinite(sd) else None,
        zeros=digits(float(np.mean(present == 0))),
        whole=bool((present == np.floor(present)).all()),
        infinite=cells.infinite,
    )


def moment_text(seconds: float) -> str:
    """Seconds since 1970 as ISO 8601; the years 1 to 9999 only."""
    inside = min(max(round(seconds), _EARLIEST), _LATEST)
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=inside)
    text = moment.isoformat().replace("+00:00", "Z")
    return text.removesuffix("T00:00:00Z")


def look_closely(report: ColumnReport, cells: Cells, rows: Codes, truth: Truth) -> tuple[ColumnReport, float]:
    """The report with distribution and relation to the target, and the p-value of its missing values' relation to it.

    Args:
        report: what `summarise` gave.
        cells: all cells.
        rows: the rows that are looked at closely.
        truth: the target of those.
    """
    update: dict[str, Any] = {"relation": relate(cells, rows, truth)}
    p = 1.0
    if report.missing and report.n:
        strength, p = relate_missing(cells.absent[rows], truth)
        update["missing_relation"] = digits(strength)
    if cells.kind == "category":
        update |= _levels(cells, rows, truth)
    elif cells.kind in {"number", "date"}:
        update |= _spread(report, cells, rows, truth)
    return report.model_copy(update=update), p


def _levels(cells: Cells, rows: Codes, truth: Truth) -> dict[str, Any]:
    counts = cells.counts if cells.counts is not None else np.empty(0, dtype=np.intp)
    codes = cells.codes[rows]
    shown = min(len(counts), _MOST_LEVELS)
    by_class = _by_class(codes, truth, shown)
    means = _means(codes, truth, shown)
    levels = [
        Level(
            name=_short(cells.levels[i]),
            rows=int(counts[i]),
            by_class=tuple(group[i] for group in by_class),
            target_mean=means[i] if means else None,
        )
        for i in range(shown)
    ]
    return {"levels": tuple(levels), "other_rows": int(counts[shown:].sum())}


def _short(level: str) -> str:
    return level if len(level) <= _LONGEST_LEVEL else level[: _LONGEST_LEVEL - 1] + "…"


def _spread(report: ColumnReport, cells: Cells, rows: Codes, truth: Truth) -> dict[str, Any]:
    sample = cells.numbers[rows]
    there = ~np.isnan(sample)
    ordered = np.sort(sample[there])
    if len(ordered) == 0:
        return {}
    marks = {level: float(np.quantile(ordered, level)) for level in _QUANTILES}
    low, high = marks[0.25], marks[0.75]
    whole = report.numbers is not None and report.numbers.whole
    update: dict[str, Any] = {
        "distinct": int(1 + np.count_nonzero(np.diff(ordered))),
        "histogram": histogram_of(sample, _drawn_range(ordered, low, high, whole=whole), truth),
    }
    if report.numbers is not None:
        reach = _FENCE * (high - low)
        outside = np.mean((ordered < low - reach) | (ordered > high + reach))
        quantiles = {f"{level:g}": digits(value) for level, value in marks.items()}
        update["numbers"] = report.numbers.model_copy(
            update={"quantiles": quantiles, "outliers": digits(float(outside))}
        )
    return update


def _drawn_range(ordered: Floats, low: float, high: float, *, whole: bool) -> tuple[float, float, int]:
    """Where bins begin and end, and how many there are: whole numbers of a small range get one each."""
    least, most = float(ordered[0]), float(ordered[-1])
    if high > low:
        least, most = max(least, low - _FAR * (high - low)), min(most, high + _FAR * (high - low))
    if whole:
        least, most = math.floor(least), math.ceil(most)
        width = max(1, math.ceil((most - least + 1) / BINS))
        bins = math.ceil((most - least + 1) / width)
        if abs(least) < 1e12 and abs(most) < 1e12:
            return least - 0.5, least - 0.5 + bins * width, bins
    if not most > least:
        reach = max(abs(least) * 1e-6, 0.5)
        return least - reach, least + reach, 1
    return least, most, BINS


def histogram_of(sample: Floats, drawn: tuple[float, float, int], truth: Truth) -> Histogram:
    """Bins of a column at the rows that are looked at closely; `drawn` says from where to where, and how many."""
    low, high, bins = drawn
    with np.errstate(invalid="ignore", over="ignore"):
        places = (sample / 2 - low / 2) / (high / 2 - low / 2) * bins
        codes = np.where(np.isnan(sample) | (sample < low) | (sample > high), -1, places)
        codes = np.minimum(codes, bins - 1).astype(np.intp)
        below, above = int((sample < low).sum()), int((sample > high).sum())
    return Histogram(
        low=float(f"{low:.12g}"),
        high=float(f"{high:.12g}"),
        counts=_tuple(np.bincount(codes[codes >= 0], minlength=bins)),
        below=below,
        above=above,
        by_class=_by_class(codes, truth, bins),
        target_means=_means(codes, truth, bins),
    )


def _by_class(codes: Codes, truth: Truth, size: int) -> tuple[tuple[int, ...], ...]:
    shown = (codes >= 0) & (codes < size)
    return tuple(
        _tuple(np.bincount(codes[shown & (truth.codes == group)], minlength=size)) for group in range(truth.drawn)
    )


def _means(codes: Codes, truth: Truth, size: int) -> tuple[float | None, ...]:
    if truth.numbers is None:
        return ()
    shown = (codes >= 0) & (codes < size) & truth.known
    rows = np.bincount(codes[shown], minlength=size)
    sums = np.bincount(codes[shown], weights=truth.numbers[shown], minlength=size)
    pairs = zip(sums.tolist(), rows.tolist(), strict=True)
    return tuple(digits(total / n) if n and math.isfinite(total) else None for total, n in pairs)


def _tuple(counts: NDArray[np.intp]) -> tuple[int, ...]:
    return tuple(int(value) for value in counts.tolist())
