"""Numbers for people: as many digits as say something."""

import math

NOTHING = "\N{EN DASH}"
"""Stands where there is no value."""


def number(value: float | None) -> str:
    """A measured number, with four digits that count.

    >>> [number(v) for v in (3.0, 0.123456, 1234567.8, 2.5e12, 0.00001234)]
    ['3', '0.1235', '1,234,568', '2.5e+12', '1.234e-05']
    """
    if value is None or math.isnan(value):
        return NOTHING
    if float(value).is_integer() and abs(value) < 1e9:
        return f"{value:,.0f}"
    if 1e3 <= abs(value) < 1e9:
        return f"{value:,.0f}"
    return f"{value:.4g}"


def count(value: int | None) -> str:
    """How many.

    >>> count(1234567)
    '1,234,567'
    """
    return NOTHING if value is None else f"{value:,}"


def percent(share: float | None) -> str:
    """A share of a whole. Little is not nothing, and almost all is not all.

    >>> [percent(v) for v in (0.0, 0.0001, 0.1234, 0.9999, 1.0)]
    ['0 %', '<0.1 %', '12.3 %', '>99.9 %', '100 %']
    """
    if share is None or math.isnan(share):
        return NOTHING
    if 0 < share < 0.001:
        return "<0.1 %"
    if 0.999 < share < 1:
        return ">99.9 %"
    return f"{100 * share:.1f}".removesuffix(".0") + " %"


def score(value: float | None) -> str:
    """What a model scored: four digits after the point, or four that count where that would say nothing.

    >>> [score(v) for v in (0.91236, 0.0000123)]
    ['0.9124', '1.23e-05']
    """
    if value is None or math.isnan(value):
        return NOTHING
    if abs(value) >= 1000:
        return number(value)
    return f"{value:.4f}" if value == 0 or abs(value) >= 0.001 else f"{value:.4g}"


def seconds(value: float | None) -> str:
    """A span of time.

    >>> [seconds(v) for v in (0.0123, 4.26, 75.0, 7500.0)]
    ['0.01 s', '4.3 s', '1 min 15 s', '2 h 5 min']
    """
    if value is None or math.isnan(value):
        return NOTHING
    if value < 59.95:
        return f"{value:.2f} s" if value < 0.995 else f"{value:.1f} s"
    whole = round(value)
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"
