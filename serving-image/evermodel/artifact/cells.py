"""What a cell is: the text that a category has, whatever type it came in. Imports numpy and no pandas.

Training, serving and monitoring all turn categories here, so that a value is the same level, or missing, for all.
"""

import math
import sys
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np

UNSEEN = -1.0
"""What stands for a category that training never saw, where categories are numbered by the signature's levels."""


def category_text(value: Any) -> str | None:
    """A category as text, the same whatever type it came in; None for a missing value.

    >>> [category_text(value) for value in (True, 3, 3.0, 3.5, "three", None, float("nan"))]
    ['true', '3', '3', '3.5', 'three', None, None]
    """
    if isinstance(value, str):
        return value
    if value is None or _is_missing_of_pandas(value):
        return None
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    if isinstance(value, float | np.floating | Decimal):
        if math.isnan(value):
            return None
        return str(int(value)) if float(value).is_integer() else repr(float(value))
    return str(value)


def _is_missing_of_pandas(value: Any) -> bool:
    """Whether it is pd.NA or pd.NaT. Who has one has imported pandas."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and (value is pandas.NA or value is pandas.NaT)


def category_values(values: Sequence[Any]) -> list[str | None]:
    """Categories as text. Equal values of one type are turned once, for columns have few levels and many rows."""
    known: dict[tuple[type, Any], str | None] = {}
    texts: list[str | None] = []
    for value in values:
        key = (type(value), value)
        if key not in known:
            known[key] = category_text(value)
        texts.append(known[key])
    return texts
