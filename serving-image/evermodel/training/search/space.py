"""The values that are tried for one parameter: drawn by chance, laid out as a grid, or held against a range.

Pure, and without any library: the same draw gives the same value on every machine.
"""

import math
from collections.abc import Mapping
from random import Random
from typing import Any

from evermodel_api.training import IntRange, SearchRange

PLACES = 5
"""At how many places a grid looks at a range of numbers."""


def draw(values: SearchRange, chance: Random) -> Any:
    """One of the values, each as likely as the others (by its logarithm where the range says log)."""
    if values.int_ is not None:
        span = values.int_
        if not span.log:
            return chance.randrange(span.min, span.max + 1, span.step)
        low, high = math.log(span.min - 0.5), math.log(span.max + 0.5)
        return min(max(round(math.exp(chance.uniform(low, high))), span.min), span.max)
    if values.float_ is not None:
        low, high = values.float_.min, values.float_.max
        if values.float_.log:
            return round_within(math.exp(chance.uniform(math.log(low), math.log(high))), low, high)
        return round_within(chance.uniform(low, high), low, high)
    return chance.choice(values.choices or [None])


def round_within(value: float, low: float, high: float) -> float:
    """The value with six digits that count, inside low..high.

    People read it in the ledger, and the last bits, which differ between processors, do not matter.

    >>> round_within(0.0123456789, 0.01, 0.3), round_within(10000.87654321, 10000.75, 10001.75)
    (0.0123457, 10000.87654)
    """
    size = min(high - low, abs(value)) or 1.0
    return min(max(round(value, 5 - math.floor(math.log10(size))), low), high)


def places(values: SearchRange) -> list[Any]:
    """The values that a grid looks at: all choices, and a range of numbers at up to five places."""
    if values.int_ is not None:
        span = values.int_
        count = _steps(span)
        if count <= PLACES:
            return [span.min + number * span.step for number in range(count)]
        if span.log:
            return sorted({round(value) for value in _spread(span.min, span.max, log=True)})
        return [span.min + round(number * (count - 1) / (PLACES - 1)) * span.step for number in range(PLACES)]
    if values.float_ is not None:
        low, high = values.float_.min, values.float_.max
        if low == high:
            return [low]
        between = _spread(low, high, log=values.float_.log)[1:-1]
        return sorted({low, *(round_within(value, low, high) for value in between), high})
    return list(values.choices or [])


def _steps(span: IntRange) -> int:
    return (span.max - span.min) // span.step + 1


def _spread(low: float, high: float, *, log: bool) -> list[float]:
    parts = [number / (PLACES - 1) for number in range(PLACES)]
    if log:
        return [low * (high / low) ** part for part in parts]
    return [low + (high - low) * part for part in parts]


def every(values: SearchRange, limit: int) -> list[Any] | None:
    """Every value there is; None when there are more than `limit`."""
    if values.int_ is not None:
        span = values.int_
        count = _steps(span)
        return None if count > limit else [span.min + number * span.step for number in range(count)]
    if values.float_ is not None:
        return [values.float_.min] if values.float_.min == values.float_.max else None
    choices = list(values.choices or [])
    return choices if len(choices) <= limit else None


def holds(values: SearchRange, value: Any) -> bool:
    """Whether the value is one of those that are tried."""
    if values.choices is not None:
        return any(_same(value, choice) for choice in values.choices)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    if values.int_ is not None:
        span = values.int_
        return isinstance(value, int) and span.min <= value <= span.max and (value - span.min) % span.step == 0
    return values.float_ is not None and values.float_.min <= value <= values.float_.max


def choice_number(values: SearchRange, value: Any) -> int:
    """Which of the choices the value is."""
    return next(number for number, choice in enumerate(values.choices or []) if _same(value, choice))


def _same(one: Any, other: Any) -> bool:
    """Python takes True for 1; a parameter does not."""
    return type(one) is type(other) and bool(one == other)


def largest(span: IntRange) -> int:
    """The largest value that the steps reach."""
    return span.min + (_steps(span) - 1) * span.step


def combinations(grid: Mapping[str, list[Any]]) -> int:
    """How many combinations a grid has."""
    return math.prod(len(column) for column in grid.values())


def combination(grid: Mapping[str, list[Any]], number: int) -> dict[str, Any]:
    """One of the combinations; the first parameter changes fastest.

    >>> [combination({"a": [1, 2], "b": ["x", "y"]}, number) for number in range(3)]
    [{'a': 1, 'b': 'x'}, {'a': 2, 'b': 'x'}, {'a': 1, 'b': 'y'}]
    """
    chosen = {}
    for name, column in grid.items():
        number, place = divmod(number, len(column))
        chosen[name] = column[place]
    return chosen
