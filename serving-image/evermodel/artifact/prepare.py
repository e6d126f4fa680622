"""Stateless columns: computed from each row alone, by the same code at training and at serving.

`Prepare` is the first step of a served pipeline. It learns nothing, so that no row can leak into another and a served
row gets what a training row would have got.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin

from evermodel.artifact.moments import MISSING, moments_of_texts

Floats = NDArray[np.float64]
_SECONDS = {"seconds": 1.0, "hours": 3600.0, "days": 86400.0, "years": 365.25 * 86400.0}
_MICROSECONDS = 1e6


class Prepare(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Adds the columns that `pipeline.prepare` asks for.

    Args:
        steps: steps as the spec writes them, for example [{"ratio": {"out": "bmi", "of": ["weight", "height"]}}].
    """

    def __init__(self, steps: Sequence[Mapping[str, Any]]) -> None:
        self.steps = steps

    def fit(self, frame: pd.DataFrame, truth: object = None) -> Self:
        """Learns nothing but the names of the columns, which scikit-learn asks for."""
        del truth
        self.feature_names_in_ = np.asarray(frame.columns, dtype=object)
        self.n_features_in_ = len(frame.columns)
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def transform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The columns that were there, and the new ones after them."""
        columns: dict[str, Any] = {name: frame[name] for name in frame.columns}
        for step in self.steps:
            for kind, arguments in step.items():
                columns.update(_KINDS[kind](columns, arguments))
        return pd.DataFrame(columns, index=frame.index)

    def get_feature_names_out(self, names: object = None) -> NDArray[Any]:
        """Names of all columns after it."""
        del names
        added = [name for step in self.steps for name in names_made(step)]
        return np.asarray([*self.feature_names_in_, *added], dtype=object)


Columns = Mapping[str, Any]


def names_made(step: Mapping[str, Any]) -> list[str]:
    """Names of the columns that a step makes."""
    ((kind, arguments),) = step.items()
    if kind == "dateParts":
        return [f"{arguments['of']}_{part}" for part in arguments["parts"]]
    return [arguments["out"]]


def names_taken(step: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Names of the columns that a step takes: as numbers (or anything, for isMissing), and as dates."""
    ((kind, arguments),) = step.items()
    if kind == "dateParts":
        return [], [arguments["of"]]
    if kind == "elapsed":
        return [], [arguments["from"], arguments["to"]]
    of = arguments["of"]
    return ([of] if isinstance(of, str) else list(of)), []


def _number(columns: Columns, name: str) -> Floats:
    return np.asarray(columns[name], dtype=np.float64)


def _seconds(columns: Columns, name: str) -> Floats:
    """Seconds since 1970 in UTC; NaN where there is no date, or what is there is none."""
    micros = moments_of_texts(np.asarray(columns[name], dtype=object))
    return np.where(micros == MISSING, np.nan, micros / _MICROSECONDS)


def _two(function: Callable[[Floats, Floats], Floats]) -> Callable[[Columns, Mapping[str, Any]], dict[str, Floats]]:
    def make(columns: Columns, arguments: Mapping[str, Any]) -> dict[str, Floats]:
        first, second = (_number(columns, name) for name in arguments["of"])
        with np.errstate(all="ignore"):
            values = function(first, second)
        return {arguments["out"]: np.where(np.isfinite(values), values, np.nan)}

    return make


def _log(columns: Columns, arguments: Mapping[str, Any]) -> dict[str, Floats]:
    values = _number(columns, arguments["of"])
    with np.errstate(all="ignore"):
        return {arguments["out"]: np.where(values > -1.0, np.log1p(values), np.nan)}


def _is_missing(columns: Columns, arguments: Mapping[str, Any]) -> dict[str, Floats]:
    return {arguments["out"]: np.asarray(pd.isna(columns[arguments["of"]]), dtype=np.float64)}


def _elapsed(columns: Columns, arguments: Mapping[str, Any]) -> dict[str, Floats]:
    passed = _seconds(columns, arguments["to"]) - _seconds(columns, arguments["from"])
    return {arguments["out"]: passed / _SECONDS[arguments.get("unit", "days")]}


def _date_parts(columns: Columns, arguments: Mapping[str, Any]) -> dict[str, Floats]:
    name = arguments["of"]
    micros = moments_of_texts(np.asarray(columns[name], dtype=object))
    moments = pd.Series(micros.view("datetime64[us]")).dt
    parts: dict[str, Callable[[], Any]] = {
        "year": lambda: moments.year,
        "quarter": lambda: moments.quarter,
        "month": lambda: moments.month,
        "week": lambda: moments.isocalendar().week,
        "day": lambda: moments.day,
        "weekday": lambda: moments.day_of_week,
        "dayOfYear": lambda: moments.day_of_year,
        "hour": lambda: moments.hour,
        "minute": lambda: moments.minute,
    }
    return {f"{name}_{part}": parts[part]().to_numpy(dtype=np.float64, na_value=np.nan) for part in arguments["parts"]}


_KINDS: dict[str, Callable[[Columns, Mapping[str, Any]], dict[str, Floats]]] = {
    "ratio": _two(np.divide),
    "difference": _two(np.subtract),
    "product": _two(np.multiply),
    "log": _log,
    "isMissing": _is_missing,
    "elapsed": _elapsed,
    "dateParts": _date_parts,
}
