"""Making more rows of the rows of one fit, or leaving some out. What is made follows from rows' content and the seed.

It is given the rows of one fit only, after the test and the fold's validation rows were set aside: what it returns is
made of nothing else.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evermodel.data.columns import Column
from evermodel.data.digest import Hashes, chance, content_order, made_from
from evermodel.errors import SpecError
from evermodel_api.training import Augment, Task, TrainingSpec

_UNIT = 2.0**-53


def check_augment(spec: TrainingSpec, columns: Sequence[Column]) -> None:
    """Check what the steps of augment name, before any fit.

    Args:
        spec: its steps are data.rows[].augment.
        columns: what the model takes.

    Raises:
        SpecError: `AugmentInvalid` when jitter names a column that is no feature of numbers, or a regression is to be
            balanced by class.
    """
    kinds = {column.name: column.kind for column in columns}
    numbers = ", ".join(name for name, kind in kinds.items() if kind == "number") or "none"
    for i, step in enumerate(spec.data.rows):
        if step.augment is None:
            continue
        where = f"data.rows[{i}].augment"
        for name in step.augment.columns:
            if kinds.get(name) != "number":
                found = f"is a {kinds[name]}" if name in kinds else "is no column that the model takes"
                raise SpecError(
                    "AugmentInvalid", f"{where}.columns names {name!r}, which {found}; columns of numbers are {numbers}"
                )
        if step.augment.method != "jitter" and spec.task is Task.REGRESSION:
            raise SpecError(
                "AugmentInvalid",
                f"{where}.method {step.augment.method} balances classes, and a Regression has none; use jitter",
            )


def augment(
    frame: pd.DataFrame, truth: NDArray[np.float64], hashes: Hashes, steps: Sequence[Augment], seed: int
) -> tuple[pd.DataFrame, NDArray[np.float64]]:
    """The rows of a fit after all steps, in an order that follows from their content, with a new index.

    Args:
        frame: the rows of one fit, shape (rows, columns).
        truth: class numbers or numbers, shape (rows,).
        hashes: content of each row, shape (rows, 2).
        steps: in the order of data.rows.
        seed: another seed makes other rows.
    """
    order = content_order(hashes)
    frame, truth, hashes = frame.take(order).reset_index(drop=True), truth[order], _each_its_own(hashes[order])
    for i, step in enumerate(steps):
        key = f"augment:{i}:{seed}"
        if step.method == "jitter":
            frame, truth, hashes = _jitter(frame, truth, hashes, step, key)
        else:
            places, copies = _balanced(truth, hashes, key, more=step.method == "oversample")
            frame, truth = frame.take(places).reset_index(drop=True), truth[places]
            hashes = _copied(hashes[places], copies, key)
    return frame, truth


def _each_its_own(hashes: Hashes) -> Hashes:
    """Ordered contents, told apart where they are equal: the second of two equal rows gets noise of its own."""
    repeats = np.zeros(len(hashes), dtype=bool)
    repeats[1:] = (hashes[1:] == hashes[:-1]).all(axis=1)
    if not repeats.any():
        return hashes
    places = np.arange(len(hashes))
    occurrence = places - np.maximum.accumulate(np.where(repeats, 0, places))
    return _copied(hashes, occurrence, "repeat")


def _copied(hashes: Hashes, copies: NDArray[np.intp], key: str) -> Hashes:
    """Contents of copies: number 0 is the row itself."""
    made = hashes + copies.astype(np.uint64)[:, None] * np.uint64(0x9E3779B97F4A7C15)
    return np.where(copies[:, None] == 0, hashes, made_from(made, f"{key}:copy"))


def _jitter(
    frame: pd.DataFrame, truth: NDArray[np.float64], hashes: Hashes, step: Augment, key: str
) -> tuple[pd.DataFrame, NDArray[np.float64], Hashes]:
    rows = len(frame)
    spread = {name: _spread(frame[name].to_numpy(dtype=np.float64)) for name in step.columns}
    frames, contents = [frame], [hashes]
    for copy in range(1, step.times + 1):
        made = _copied(hashes, np.full(rows, copy), key)
        noisy = {
            name: frame[name].to_numpy(dtype=np.float64) + step.scale * sd * _normal(made, f"{key}:{name}")
            for name, sd in spread.items()
        }
        frames.append(frame.assign(**noisy))
        contents.append(made)
    return (
        pd.concat(frames, ignore_index=True),
        np.tile(truth, step.times + 1),
        np.concatenate(contents),
    )


def _spread(values: NDArray[np.float64]) -> float:
    """Standard deviation of the values that there are; 0 where there are none."""
    present = values[~np.isnan(values)]
    return float(present.std()) if len(present) else 0.0


def _normal(hashes: Hashes, key: str) -> NDArray[np.float64]:
    """One number for each content, as if drawn from the standard normal distribution."""
    from scipy.special import ndtri  # noqa: PLC0415  scipy is slow to import, and few fits need it

    bits = chance(hashes, key)
    numbers: NDArray[np.float64] = ndtri(((bits >> np.uint64(11)).astype(np.float64) + 0.5) * _UNIT)
    return numbers


def _balanced(
    truth: NDArray[np.float64], hashes: Hashes, key: str, *, more: bool
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Positions of rows so that all classes are as frequent as the most (or least) frequent one.

    Beside them the number of each one's copy, 0 for the row itself.
    """
    dealt = np.argsort(chance(hashes, key), kind="stable")
    numbers, counts = np.unique(truth, return_counts=True)
    wanted = int(counts.max() if more else counts.min())
    places, copies = [], []
    for number in numbers:
        of_class = dealt[truth[dealt] == number]
        turn = np.arange(wanted)
        places.append(of_class[turn % len(of_class)])
        copies.append(turn // len(of_class))
    joined, copy = np.concatenate(places), np.concatenate(copies)
    order = np.lexsort((joined, copy))
    return joined[order], copy[order]
