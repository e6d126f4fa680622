"""How a column's cells are kept, and how canonical ones are made of them, in three kinds."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evermodel.artifact.moments import MISSING, Micros, moment_texts

Rows = slice | NDArray[np.bool_] | NDArray[np.intp] | None
"""Some rows: a slice, a mask, positions; None for all."""


def _some(values: NDArray[Any], rows: Rows) -> NDArray[Any]:
    return values if rows is None else values[rows]


@dataclass(frozen=True)
class NumberCells:
    """Numbers as the source gave them, in its own type."""

    values: NDArray[Any]
    """Shape (rows,): floats or whole numbers."""
    gaps: NDArray[np.bool_] | None = None
    """Shape (rows,): where there is no value, beside NaN."""

    @classmethod
    def of(cls, raw: "pd.Series[Any]") -> Self:
        """Numbers of a column, without a copy where its type allows it."""
        if isinstance(raw.dtype, np.dtype):
            return cls(raw.to_numpy())
        gaps = raw.isna().to_numpy()
        kind = raw.dtype.numpy_dtype if isinstance(raw.dtype, pd.api.extensions.ExtensionDtype) else np.float64  # type: ignore[attr-defined]
        return cls(raw.to_numpy(dtype=kind, na_value=0), gaps if gaps.any() else None)

    def __len__(self) -> int:
        return len(self.values)

    def canonical(self, rows: Rows) -> NDArray[np.float64]:
        """float64 with NaN, a copy; there is one zero."""
        numbers = np.array(_some(self.values, rows), dtype=np.float64)
        if self.gaps is not None:
            numbers[_some(self.gaps, rows)] = np.nan
        numbers += 0.0  # makes -0.0 the same zero
        return numbers

    def missing(self, rows: Rows) -> NDArray[np.bool_]:
        """Where there is no value."""
        missing = np.asarray(np.isnan(_some(self.values, rows)), dtype=bool)
        return missing if self.gaps is None else missing | _some(self.gaps, rows)

    def infinite(self) -> int:
        """How many values are infinite."""
        return int(np.isinf(self.values).sum()) if self.values.dtype.kind == "f" else 0


@dataclass(frozen=True)
class CategoryCells:
    """Categories as codes."""

    codes: NDArray[np.signedinteger[Any]]
    """Shape (rows,): places in `levels`, -1 where there is no value."""
    levels: NDArray[Any]
    """Distinct texts, in no order that means anything: objects of `str`."""

    @classmethod
    def of(cls, codes: NDArray[Any], levels: list[str]) -> Self:
        """Codes in the smallest type that holds them."""
        small = np.min_scalar_type(-max(len(levels), 1))
        texts = np.empty(len(levels), dtype=object)
        texts[:] = levels
        return cls(codes.astype(small), texts)

    def __len__(self) -> int:
        return len(self.codes)

    def canonical(self, rows: Rows) -> NDArray[Any]:
        """Objects of `str` with None; equal texts are one object."""
        return np.asarray(np.append(self.levels, [None])[_some(self.codes, rows)], dtype=object)

    def missing(self, rows: Rows) -> NDArray[np.bool_]:
        """Where there is no value."""
        return np.asarray(_some(self.codes, rows) < 0)


@dataclass(frozen=True)
class MomentCells:
    """Moments as microseconds since 1970."""

    NONE: ClassVar[int] = MISSING

    micros: Micros
    """Shape (rows,): MISSING where there is no value."""

    def __len__(self) -> int:
        return len(self.micros)

    def canonical(self, rows: Rows) -> NDArray[Any]:
        """ISO 8601 texts in UTC, None where there is no moment."""
        return moment_texts(_some(self.micros, rows))

    def missing(self, rows: Rows) -> NDArray[np.bool_]:
        """Where there is no value."""
        return np.asarray(_some(self.micros, rows) == MISSING)


Cells = NumberCells | CategoryCells | MomentCells
