"""Steps of scikit-learn that learn the same in less time. A model has them while it is fitted, and never afterwards.

`SimpleImputer` sorts a masked array to find medians, which takes longer than fitting many a model; its encoders look at
every text, where there are few different ones. What is learnt and given is the same to the bit, but that a median is
never minus zero. What is overridden is private to scikit-learn: should a release call it otherwise, the steps are as
slow as its own, and still right.
"""

from collections.abc import Callable
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder

from evermodel.artifact.model_parts import parts_of

_FEW = 0.1
"""Texts are looked at once each where a column has at most this share of different ones."""


class QuickImputer(SimpleImputer):  # type: ignore[misc]  # scikit-learn has no types
    """Finds medians by selection, column by column, and makes no matrix for that."""

    def fit(self, table: Any, truth: object = None) -> Self:
        """As scikit-learn's."""
        quick = self.strategy == "median" and not self.add_indicator and _is_nan(self.missing_values)
        if not quick or not _is_all(table, _is_double):
            super().fit(table, truth)
            return self
        super().fit(table.head(1))  # learns names and types; values are checked where they are filled in
        empty = 0.0 if self.keep_empty_features else np.nan
        columns = (table.iloc[:, place].to_numpy() for place in range(table.shape[1]))
        self.statistics_ = np.array([median(column[~np.isnan(column)], empty) for column in columns])
        return self


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and np.isnan(value)


def _is_double(dtype: Any) -> bool:
    return isinstance(dtype, np.dtype) and dtype == np.float64


def _is_text(dtype: Any) -> bool:
    return isinstance(dtype, pd.StringDtype) or (isinstance(dtype, np.dtype) and dtype.kind == "O")


def _is_all(table: Any, kind: Callable[[Any], bool]) -> bool:
    """Whether this is a frame with rows, and columns of this kind only."""
    return isinstance(table, pd.DataFrame) and table.size > 0 and all(map(kind, table.dtypes))


def median(values: NDArray[Any], empty: float) -> Any:
    """The median; of an even number of values the mean of the middle two. Changes the order of `values`.

    >>> float(median(np.array([3.0, 1.0, 2.0, 10.0]), 0.0)), median(np.array([]), 0.0)
    (2.5, 0.0)
    """
    if not len(values):
        return empty
    middle = len(values) // 2
    values.partition(middle)
    found = values[middle] if len(values) % 2 else (values[:middle].max() + values[middle]) / 2
    return found + 0.0  # there is one zero: of two, the order of rows would choose


class _Distinct:
    """An encoder that looks at each different text of a column once."""

    def _fit(self, X: Any, *arguments: Any, **named: Any) -> Any:  # noqa: N803  scikit-learn's name
        counts = getattr(self, "max_categories", None) is not None or getattr(self, "min_frequency", None) is not None
        few = None if counts or named.get("return_counts") else _few_texts(X)
        return super()._fit(X if few is None else few[0], *arguments, **named)  # type: ignore[misc]

    def _transform(self, X: Any, *arguments: Any, **named: Any) -> tuple[NDArray[Any], NDArray[np.bool_]]:  # noqa: N803
        few = _few_texts(X)
        if few is None:
            all_rows: tuple[NDArray[Any], NDArray[np.bool_]] = super()._transform(X, *arguments, **named)  # type: ignore[misc]
            return all_rows
        frame, codes = few
        numbers, known = super()._transform(frame, *arguments, **named)  # type: ignore[misc]
        return _taken(numbers, codes), _taken(known, codes)


def _few_texts(table: Any) -> tuple[pd.DataFrame, list[NDArray[np.intp]]] | None:
    """The different texts of each column, and where each row's is.

    Returns:
        A frame with the columns of the table, each with its different texts and then, where others have more, the first
        of them again; and for each column positions in it, shape (rows,). None where a column is none of text, or has
        many different ones.
    """
    if not _is_all(table, _is_text):
        return None
    codes, levels = [], []
    for place in range(table.shape[1]):
        found, different = pd.factorize(table.iloc[:, place], use_na_sentinel=False)
        if len(different) > max(_FEW * len(table), 1):
            return None
        codes.append(np.asarray(found, dtype=np.intp))
        levels.append(np.asarray(different, dtype=object))
    rows = max(map(len, levels))
    columns = [np.append(each, np.full(rows - len(each), each[0], dtype=object)) for each in levels]
    frame = pd.DataFrame({place: pd.Series(cells, dtype=object) for place, cells in enumerate(columns)})
    return frame.set_axis(table.columns, axis=1), codes


def _taken(table: NDArray[Any], codes: list[NDArray[np.intp]]) -> NDArray[Any]:
    taken = np.empty((len(codes[0]), len(codes)), dtype=table.dtype)
    for place, rows in enumerate(codes):
        taken[:, place] = table[rows, place]
    return taken


class QuickOneHotEncoder(_Distinct, OneHotEncoder):  # type: ignore[misc]  # scikit-learn has no types
    """Looks at each different text once."""


class StackedOneHotEncoder(QuickOneHotEncoder):
    """Gives a sparse matrix to the `QuickColumns` that it is the last step of a branch of: they fill it in."""

    def transform(self, table: Any) -> Any:
        """As scikit-learn's, but sparse."""
        self.sparse_output = True
        try:
            return super().transform(table)
        finally:
            self.sparse_output = False


class QuickColumns(ColumnTransformer):  # type: ignore[misc]  # scikit-learn has no types
    """Fills one matrix with what the branches give, where scikit-learn makes a dense one of each before."""

    def _hstack(self, parts: list[Any], *, n_samples: int) -> Any:
        if (
            self.sparse_output_
            or not any(map(issparse, parts))
            or any(isinstance(part, pd.DataFrame) for part in parts)
        ):
            return super()._hstack(parts, n_samples=n_samples)
        width = sum(part.shape[1] for part in parts)
        filled = np.zeros((n_samples, width), dtype=np.result_type(*(part.dtype for part in parts)))
        begin = 0
        while parts:  # each is let go of as soon as it is filled in
            part = parts.pop(0)
            block = filled[:, begin : begin + part.shape[1]]
            if issparse(part):
                entries = part.tocoo()
                block[entries.row, entries.col] = entries.data
            else:
                block[:] = part
            begin += part.shape[1]
        return filled


class QuickOrdinalEncoder(_Distinct, OrdinalEncoder):  # type: ignore[misc]  # scikit-learn has no types
    """Looks at each different text once."""


_QUICK: dict[type, type] = {
    ColumnTransformer: QuickColumns,
    SimpleImputer: QuickImputer,
    OneHotEncoder: QuickOneHotEncoder,
    OrdinalEncoder: QuickOrdinalEncoder,
}
_PLAIN = {**{quick: plain for plain, quick in _QUICK.items()}, StackedOneHotEncoder: OneHotEncoder}


def quicken(model: Any) -> None:
    """Let the steps of a model that is not fitted yet learn in less time. In place."""
    for part in parts_of(model):
        kind = _QUICK.get(type(part))
        if kind is not None:
            part.__class__ = kind
        if isinstance(part, QuickColumns) and part.sparse_threshold == 0.0:
            _let_stack(part)


def _let_stack(columns: QuickColumns) -> None:
    for _, branch, _ in columns.transformers:
        last = branch.steps[-1][1] if isinstance(branch, Pipeline) and branch.steps else None
        if isinstance(last, OneHotEncoder) and not last.sparse_output:
            last.__class__ = StackedOneHotEncoder


def make_plain(model: Any) -> None:
    """Let a fitted model consist of scikit-learn's own steps again. In place."""
    for part in parts_of(model):
        kind = _PLAIN.get(type(part))
        if kind is not None:
            part.__class__ = kind
