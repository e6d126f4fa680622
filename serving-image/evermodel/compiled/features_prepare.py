"""Stateless columns, computed from each row alone as `artifact.prepare` computes them, without pandas."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evermodel.compiled.features_dates import PARTS, micros_of_texts, part_of_micros, seconds_of_micros
from evermodel.compiled.model import DamagedError, Floats, Header
from evermodel.compiled.rows import Texts

UNITS = {"seconds": 1.0, "hours": 3600.0, "days": 86400.0, "years": 365.25 * 86400.0}
_ARITHMETIC = {"ratio": np.divide, "difference": np.subtract, "product": np.multiply}
_OPERANDS = {**dict.fromkeys(_ARITHMETIC, 2), "log": 1, "isMissing": 1, "isMissingDate": 1, "elapsed": 2, "datePart": 1}


@dataclass(frozen=True)
class Prepared:
    """One column that is made."""

    kind: str
    of: tuple[int, ...]
    """Places of what it is made of: columns of the signature, then those made before it."""
    detail: str = ""
    """elapsed: the unit; datePart: the part."""

    def describe(self) -> Header:
        """Its header."""
        return {"kind": self.kind, "of": list(self.of), "detail": self.detail}


def prepared_from_header(header: Header, columns: int, known: int) -> Prepared:
    """A made column of its header, where `columns` are given, and with those made before it `known` are there.

    Raises:
        DamagedError: it names what is not there.
    """
    kind, of, detail = header.get("kind"), header.get("of"), header.get("detail")
    if not isinstance(kind, str) or kind not in _OPERANDS or not isinstance(of, list) or len(of) != _OPERANDS[kind]:
        raise DamagedError("a column that it makes is of no kind that this image knows")
    limit = columns if kind in {"isMissingDate", "elapsed", "datePart"} else known
    if not all(type(place) is int and 0 <= place < limit for place in of):
        raise DamagedError("a column that it makes is made of one that is not there")
    details = {"elapsed": tuple(UNITS), "datePart": PARTS}.get(kind, ("",))
    if not isinstance(detail, str) or detail not in details:
        raise DamagedError(f"a column that it makes ({kind}) has a detail that this image does not know")
    return Prepared(kind, tuple(of), detail)


def with_prepared(values: Floats, texts: Texts, steps: Sequence[Prepared]) -> Floats:
    """The columns that were given, and behind them those that are made.

    Args:
        values: shape (rows, columns).
        texts: as `Batch.texts`.
        steps: in order; a later one may take what an earlier one made.
    """
    given = values.shape[1]
    out = np.empty((len(values), given + len(steps)))
    out[:, :given] = values
    moments: dict[int, NDArray[np.int64]] = {}
    for place in {place for step in steps if step.kind in {"elapsed", "datePart"} for place in step.of}:
        moments[place] = micros_of_texts(texts[place])
    with np.errstate(all="ignore"):
        for number, step in enumerate(steps):
            out[:, given + number] = _made(step, out, texts, moments)
    return out


def _made(step: Prepared, out: Floats, texts: Texts, moments: dict[int, NDArray[np.int64]]) -> NDArray[np.generic]:
    first = step.of[0]
    if step.kind in _ARITHMETIC:
        values = _ARITHMETIC[step.kind](out[:, first], out[:, step.of[1]])
        return np.where(np.isfinite(values), values, np.nan)
    if step.kind == "log":
        return np.where(out[:, first] > -1.0, np.log1p(out[:, first]), np.nan)
    if step.kind == "isMissing":
        return np.isnan(out[:, first])
    if step.kind == "isMissingDate":
        return np.array([text is None for text in texts[first]])
    if step.kind == "datePart":
        return part_of_micros(moments[first], step.detail)
    passed = seconds_of_micros(moments[step.of[1]]) - seconds_of_micros(moments[first])
    return passed / UNITS[step.detail]
