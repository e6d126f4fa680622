"""Whether a program answers as scikit-learn does, and the rows by which a server sees it again."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evermodel.artifact.signature import Signature
from evermodel.compiled.check import Check, difference, same_classes
from evermodel.compiled.model import KernelMissingError, NotCompilableError
from evermodel.compiled.program import Program
from evermodel.compiled.rows import Rows, rows_of_columns
from evermodel_api.training import Task

EXACT = 1e-9
"""Largest difference at which two answers are the same: absolute, and relative above 1."""
SINGLE = 1e-6
"""The same for XGBoost, which adds up numbers of single precision and may round otherwise elsewhere."""
KEPT = 64
"""Random rows that are kept with the program."""
ASKED = 1000
"""Rows of the test that are asked."""

Ask = Callable[[pd.DataFrame], NDArray[np.float64]]
"""What scikit-learn answers to a frame: values, or probabilities; ValueError or TypeError for rows that it refuses."""


def rows_of_frame(signature: Signature, frame: pd.DataFrame) -> Rows:
    """A frame with the signature's columns as rows."""
    return rows_of_columns(signature, [frame[name].tolist() for name in signature.names])


def checked(
    program: Program, ask: Ask, signature: Signature, frame: pd.DataFrame, chance: pd.DataFrame, *, single: bool
) -> Check:
    """Hold a program's answers against scikit-learn's.

    Args:
        program: what was compiled.
        ask: scikit-learn.
        signature: of the model.
        frame: rows of the test, not empty; the first 1000 are asked.
        chance: random rows (`artifact.random_rows`); the first 64 of those that scikit-learn answers are kept.
        single: whether the model adds up numbers of single precision.

    Returns:
        The rows that a server has to reproduce.

    Raises:
        NotCompilableError: the answers differ; it says by how much.
    """
    tolerance = SINGLE if single else EXACT
    tests = frame.head(ASKED)
    for rows in (tests, tests.head(1)):
        _hold(program, ask, signature, rows, tolerance)
    answered = _hold(program, ask, signature, chance, tolerance)
    kept = chance.loc[answered].head(KEPT)
    answers = ask(kept) if len(kept) else np.empty((0, program.model.outputs) if program.model.outputs > 1 else 0)
    return Check(rows_of_frame(signature, kept), answers, tolerance)


def _hold(program: Program, ask: Ask, signature: Signature, frame: pd.DataFrame, tolerance: float) -> NDArray[np.bool_]:
    """Which of the rows scikit-learn answers; the program answers the same ones, and the same."""
    answered = np.ones(len(frame), dtype=bool)
    try:
        wanted = ask(frame)
    except (ValueError, TypeError):
        answered, wanted = _one_by_one(ask, frame)
    rows = rows_of_frame(signature, frame.loc[answered])
    if not len(rows):
        return answered
    try:
        found = program.predict(rows.values, rows.texts)
    except KernelMissingError as error:
        raise NotCompilableError(str(error)) from error
    except (ValueError, LookupError) as error:
        raise NotCompilableError(f"it refuses rows that scikit-learn answers ({error})") from error
    apart = difference(wanted, found)
    if not apart <= tolerance:
        raise NotCompilableError(f"its answers differ by up to {apart:.3g}, and {tolerance:g} is allowed")
    if signature.task is Task.CLASSIFICATION and not same_classes(wanted, found, signature.threshold):
        raise NotCompilableError("it answers another class where two are as probable as each other")
    return answered


def _one_by_one(ask: Ask, frame: pd.DataFrame) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    answered, answers = [], []
    for number in range(len(frame)):
        try:
            answers.append(ask(frame.iloc[[number]]))
            answered.append(True)
        except (ValueError, TypeError):
            answered.append(False)
    return np.array(answered), np.concatenate(answers) if answers else np.empty(0)


def outcome_of(model: Any, signature: Signature) -> Ask:
    """scikit-learn's answers as a program gives them."""
    from evermodel.artifact.model import answer  # noqa: PLC0415  it imports what it loads

    def ask(frame: pd.DataFrame) -> NDArray[np.float64]:
        values, probabilities = answer(model, signature, frame)
        return values if probabilities is None else probabilities

    return ask
