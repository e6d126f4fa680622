"""Answers and truth as numbers: classes by their place, whatever they were written as. Pure."""

from math import isfinite, nan
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evermodel.artifact.signature import Signature
from evermodel.metrics import Answers
from evermodel.monitoring.columns import CategoryColumn, NumberColumn, level_text
from evermodel.monitoring.window import Answered, Column, Labelled
from evermodel_api.training import Task


def labelled_answers(signature: Signature, labelled: Labelled | None) -> tuple[Answers, NDArray[np.intp]]:
    """The rows with an answer and a truth that can be read, and which of the labelled rows these are, oldest first.

    A class that the model does not know counts as wrong.
    """
    classes = len(signature.classes)
    if labelled is None:
        return Answers(np.empty(0), np.empty(0), None, classes), np.empty(0, dtype=np.intp)
    truth, predicted = read_answers(signature, labelled.truth), read_answers(signature, labelled.predicted)
    rows = np.flatnonzero(~np.isnan(truth) & ~np.isnan(predicted))
    if labelled.moments is not None:
        moments = np.array([labelled.moments[i].timestamp() for i in rows])
        rows = rows[np.argsort(moments, kind="stable")]
    return Answers(truth, predicted, labelled.probabilities, classes).take(rows), rows


def read_answers(signature: Signature, values: list[Any]) -> NDArray[np.float64]:
    """Numbers of a regression, or classes by their number; NaN is unreadable, -1 a class the model does not know."""
    read = _numbers if signature.task is Task.REGRESSION else _class_numbers(signature)
    numbers: NDArray[np.float64] = read(values)
    return numbers


def scores(signature: Signature, answered: Answered) -> Column:
    """What is compared with the answers to the test rows (`AnswersProfile.scores`)."""
    if signature.task is Task.REGRESSION:
        return NumberColumn(_numbers(answered.predicted))
    if len(signature.classes) == 2 and answered.probabilities is not None:
        return NumberColumn(answered.probabilities[:, 1])
    texts = [level_text(value) for value in answered.predicted]
    levels = sorted({text for text in texts if text is not None})
    places = {text: place for place, text in enumerate(levels)}
    return CategoryColumn(np.array([-1 if t is None else places[t] for t in texts], dtype=np.intp), levels)


def _numbers(values: list[Any]) -> NDArray[np.float64]:
    return np.array([_number(value) for value in values], dtype=np.float64)


def _number(value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return nan
    return number if isfinite(number) else nan


def _class_numbers(signature: Signature) -> Any:
    """Classes as their numbers. They are told apart by their text, for a CSV file cannot tell 1 from "1"."""
    numbers = {level_text(label): float(i) for i, label in enumerate(signature.classes)}

    def read(values: list[Any]) -> NDArray[np.float64]:
        texts = [level_text(value) for value in values]
        return np.array([nan if text is None else numbers.get(text, -1.0) for text in texts], dtype=np.float64)

    return read
