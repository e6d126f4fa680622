"""What each feature adds to a model's answer, and why some answers are no such sum.

Trees and linear models tell it themselves. Of models that are made of others it follows where the others' sums reach
the answer by nothing but sums: a mean of values, a line through scores.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, cast

import numpy as np

from evermodel.compiled.compose import Blend, Part, Transformed
from evermodel.compiled.compose_calibrated import SIGMOID, Calibrated
from evermodel.compiled.linear import Constant, Linear
from evermodel.compiled.model import Contributions, Floats, Model

Ask = Callable[[Floats], Contributions]


class NoContributionsError(Exception):
    """A model's answers cannot be taken apart exactly; the message says why, as a part of a sentence."""


@dataclass(frozen=True)
class Explained:
    """How a model's answers are taken apart. Safe to ask from several threads at once."""

    scale: str
    """As `Contributions.scale`."""
    is_answer: bool
    """Whether the sums are what `predict` gives, and not what its link is applied to."""
    work: int
    """Multiplications for one row, roughly."""
    ask: Ask


class Additive(Protocol):
    """A model that adds up what its features give: `Linear` and `Trees`."""

    @property
    def scale(self) -> str:
        """As `Contributions.scale`."""

    @property
    def is_answer(self) -> bool:
        """As `Explained.is_answer`."""

    @property
    def work(self) -> int:
        """As `Explained.work`."""

    @property
    def contributions(self) -> Ask | None:
        """What each feature adds, for a matrix of shape (rows, features); None where that is not known."""


def explained(model: Model) -> Explained:
    """How a model's answers are taken apart.

    Raises:
        NoContributionsError: they cannot be, exactly.
    """
    if isinstance(model, Blend):
        return _blend(model)
    if isinstance(model, Calibrated):
        return _calibrated(model)
    if isinstance(model, Transformed):
        return _transformed(model)
    if isinstance(model, Constant):
        return _constant(model)
    if not hasattr(model, "contributions"):
        raise NoContributionsError("its answers are no sum of what each column adds")
    additive = cast("Additive", model)
    ask = additive.contributions
    if ask is None:
        raise NoContributionsError(_why_none(model))
    return Explained(additive.scale, additive.is_answer, additive.work, ask)


def _why_none(model: Model) -> str:
    if isinstance(model, Linear):
        return "it first asks whether each value is large, and adds up nothing else"
    return "its trees are put in order and not added up, or are deeper than 500 decisions"


def _constant(model: Constant) -> Explained:
    def ask(matrix: Floats) -> Contributions:
        return Contributions(np.zeros((len(matrix), model.features, model.outputs)), model.answer, scale)

    scale = "value" if model.outputs == 1 else "probability"
    return Explained(scale, is_answer=True, work=1, ask=ask)


def _blend(model: Blend) -> Explained:
    parts = [explained(part.model) for part in model.parts]
    scales = sorted({part.scale for part in parts})
    if not all(part.is_answer for part in parts):
        raise NoContributionsError(
            f"it is a mean of answers, and its parts add up on another scale ({', '.join(scales)})"
        )

    def ask(matrix: Floats) -> Contributions:
        values, base = np.zeros((len(matrix), model.features, model.outputs)), np.zeros(model.outputs)
        for part, how, weight in zip(model.parts, parts, model.weights.tolist(), strict=True):
            taken = matrix if part.columns is None else np.take(matrix, part.columns, axis=1)
            _add(part, how.ask(taken), weight / model.divisor, values, base)
        return Contributions(values, base, scales[0])

    return Explained(scales[0], is_answer=True, work=sum(part.work for part in parts), ask=ask)


def _add(part: Part, told: Contributions, weight: float, values: Floats, base: Floats) -> None:
    """Add what one part of a blend says, at the features and classes that it knows."""
    classes = slice(None) if part.classes is None else part.classes
    own = np.zeros((len(values), part.model.features, values.shape[2]))
    own[:, :, classes] = told.values * weight
    base[classes] += told.base * weight
    if part.columns is None:
        values += own
    else:
        np.add.at(values.swapaxes(0, 1), part.columns, own.swapaxes(0, 1))  # a bag may be given a column twice


def _calibrated(model: Calibrated) -> Explained:
    if model.method != SIGMOID:
        raise NoContributionsError("it is calibrated by isotonic curves, which rise in steps")
    inner, scores = explained(model.model), len(model.curves)
    if not inner.is_answer:
        raise NoContributionsError(f"it calibrates probabilities, and what it calibrates adds up on the {inner.scale}")
    if scores != (1 if model.outputs == 2 else model.outputs):
        raise NoContributionsError("it calibrates some of its classes only")
    slope, offset = (-np.array([curve[place, 0] for curve in model.curves]) for place in (0, 1))
    order = np.argsort(model.classes) if scores > 1 else np.arange(1)

    def ask(matrix: Floats) -> Contributions:
        told = inner.ask(matrix)
        skipped = told.values.shape[2] - scores  # of two probabilities the second is calibrated
        values, base = told.values[:, :, skipped:] * slope, told.base[skipped:] * slope + offset
        return Contributions(values[:, :, order], base[order], "log-odds")

    return Explained("log-odds", is_answer=False, work=inner.work, ask=ask)


def _transformed(model: Transformed) -> Explained:
    inner = explained(model.model)
    if not inner.is_answer:
        raise NoContributionsError(f"its target is turned, and what it turns adds up on the {inner.scale}")
    slope, offset = 1.0, 0.0
    for step in model.steps:
        if step.kind != "affine" or np.isfinite([step.arrays["low"], step.arrays["high"]]).any():
            raise NoContributionsError("its target is turned by more than a line")
        subtract, divide, multiply, add = (
            float(step.arrays[name][0]) for name in ("subtract", "divide", "multiply", "add")
        )
        own = multiply / divide
        slope, offset = slope * own, (offset - subtract) * own + add

    def ask(matrix: Floats) -> Contributions:
        told = inner.ask(matrix)
        return Contributions(told.values * slope, told.base * slope + offset, inner.scale)

    return Explained(inner.scale, is_answer=True, work=inner.work, ask=ask)
