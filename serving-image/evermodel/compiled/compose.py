"""Models that are made of others: means of their answers, and answers that are features of a last one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evermodel.compiled.features_apply import Apply
from evermodel.compiled.features_steps import Step, step_from_parts
from evermodel.compiled.model import (
    Arrays,
    DamagedError,
    Floats,
    Header,
    Model,
    below,
    from_parts,
    integer,
    nested,
    registered,
    take,
    under,
)


@dataclass(frozen=True)
class Part:
    """One model of a blend."""

    model: Model
    columns: NDArray[np.int32] | None = None
    """The features that it takes; None for all."""
    classes: NDArray[np.int32] | None = None
    """The classes that it knows, where it does not know all."""


@dataclass(frozen=True)
class Blend:
    """The weighted mean of answers, added up in order."""

    features: int
    outputs: int
    parts: tuple[Part, ...]
    weights: Floats
    """Shape (parts,)."""
    divisor: float

    def predict(self, matrix: Floats) -> Floats:
        """As `Model.predict`."""
        total = np.zeros(len(matrix) if self.outputs == 1 else (len(matrix), self.outputs))
        for part, weight in zip(self.parts, self.weights.tolist(), strict=True):
            taken = matrix if part.columns is None else np.take(matrix, part.columns, axis=1)
            answers = part.model.predict(taken)
            if weight != 1.0:
                answers = answers * weight
            if part.classes is None:
                total += answers
            else:
                total[:, part.classes] += answers
        total /= self.divisor
        return total

    def describe(self) -> tuple[Header, dict[str, NDArray[Any]]]:
        """Header and arrays."""
        arrays: dict[str, NDArray[Any]] = {"weights": self.weights}
        parts: list[Header] = []
        for number, part in enumerate(self.parts):
            told = {"model": nested(f"parts/{number}/model", part.model, arrays)}
            for name, places in (("columns", part.columns), ("classes", part.classes)):
                told[name] = places is not None  # type: ignore[assignment]  # a header holds what JSON can
                if places is not None:
                    arrays[f"parts/{number}/{name}"] = places
            parts.append(told)
        header = {"features": self.features, "outputs": self.outputs, "divisor": self.divisor, "parts": parts}
        return {"kind": "blend", **header}, arrays

    @classmethod
    def from_parts(cls, header: Header, arrays: Arrays) -> "Blend":
        """The model of a header and arrays.

        Raises:
            DamagedError: they do not fit each other.
        """
        features, outputs = integer(header, "features", 1, 1 << 31), integer(header, "outputs", 1, 1 << 16)
        divisor = header.get("divisor")
        if not isinstance(divisor, float) or divisor == 0.0:
            raise DamagedError("a blend has no divisor")
        parts = tuple(
            _part(told, below(f"parts/{number}", arrays), features, outputs)
            for number, told in enumerate(headers(header, "parts"))
        )
        return cls(features, outputs, parts, take(arrays, "weights", "f8", (len(parts),)), divisor)


def headers(header: Header, name: str) -> list[Header]:
    """The headers inside a header.

    Raises:
        DamagedError: there are none.
    """
    told = header.get(name)
    if not isinstance(told, list) or not told or not all(isinstance(item, dict) for item in told):
        raise DamagedError(f"a model that is made of others has no {name}")
    return told


def inner_model(header: Header, name: str, arrays: Arrays) -> Model:
    """The model inside a header.

    Raises:
        DamagedError: there is none.
    """
    told = header.get(name)
    if not isinstance(told, dict):
        raise DamagedError("a model that is made of others lacks one of them")
    return from_parts(told, below(name, arrays))


def _part(header: Header, arrays: Arrays, features: int, outputs: int) -> Part:
    model = inner_model(header, "model", arrays)
    columns = _places(arrays, "columns", model.features, features) if header.get("columns") else None
    classes = _places(arrays, "classes", model.outputs, outputs) if header.get("classes") else None
    if (columns is None and model.features != features) or (classes is None and model.outputs != outputs):
        raise DamagedError("a part of a blend takes or gives another number of columns than the others")
    if classes is not None and outputs == 1:
        raise DamagedError("a part of a blend of numbers names classes")
    return Part(model, columns, classes)


def _places(arrays: Arrays, name: str, count: int, limit: int) -> NDArray[np.int32]:
    places = take(arrays, name, "i4", (count,))
    if not ((places >= 0) & (places < limit)).all():
        raise DamagedError(f"a part of a blend names {name} that are not there")
    return places


@dataclass(frozen=True)
class Stack:
    """Answers of models, and the features themselves where it says so, are the features of a last model."""

    features: int
    models: tuple[Model, ...]
    last_only: tuple[bool, ...]
    """For each model, whether the second of its two probabilities is taken alone."""
    passes: bool
    final: Model

    @property
    def outputs(self) -> int:
        """Classes; 1 for a number."""
        return self.final.outputs

    def predict(self, matrix: Floats) -> Floats:
        """As `Model.predict`."""
        columns = []
        for model, last_only in zip(self.models, self.last_only, strict=True):
            answers = model.predict(matrix)
            table = answers.reshape(len(matrix), -1)
            columns.append(table[:, 1:] if last_only else table)
        if self.passes:
            columns.append(matrix)
        return self.final.predict(np.hstack(columns))

    def describe(self) -> tuple[Header, dict[str, NDArray[Any]]]:
        """Header and arrays."""
        arrays: dict[str, NDArray[Any]] = {}
        parts = [
            {"model": nested(f"parts/{number}/model", model, arrays), "last": last}
            for number, (model, last) in enumerate(zip(self.models, self.last_only, strict=True))
        ]
        final = nested("final", self.final, arrays)
        header = {"features": self.features, "passes": self.passes, "parts": parts, "final": final}
        return {"kind": "stack", **header}, arrays

    @classmethod
    def from_parts(cls, header: Header, arrays: Arrays) -> "Stack":
        """The model of a header and arrays.

        Raises:
            DamagedError: they do not fit each other.
        """
        features, passes = integer(header, "features", 1, 1 << 31), bool(header.get("passes"))
        told = headers(header, "parts")
        models = tuple(inner_model(item, "model", below(f"parts/{n}", arrays)) for n, item in enumerate(told))
        last_only = tuple(bool(item.get("last")) for item in told)
        final = inner_model(header, "final", arrays)
        pairs = zip(models, last_only, strict=True)
        width = sum(model.outputs - last for model, last in pairs) + (features if passes else 0)
        if any(model.features != features for model in models) or final.features != width:
            raise DamagedError("the models of a stack do not fit each other")
        return cls(features, models, last_only, passes, final)


@dataclass(frozen=True)
class Transformed:
    """The numbers of a model, turned back to the scale of the target."""

    model: Model
    steps: tuple[Step, ...]
    """Each takes one column and gives one."""

    @property
    def features(self) -> int:
        """Columns that it takes."""
        return self.model.features

    @property
    def outputs(self) -> int:
        """One number."""
        return 1

    def predict(self, matrix: Floats) -> Floats:
        """As `Model.predict`."""
        values = self.model.predict(matrix).reshape(-1, 1)
        for apply in _applied(self.steps):
            values = apply(values)
        return values[:, 0]

    def describe(self) -> tuple[Header, dict[str, NDArray[Any]]]:
        """Header and arrays."""
        arrays: dict[str, NDArray[Any]] = {}
        steps = []
        for number, step in enumerate(self.steps):
            header, own = step.describe()
            arrays.update(under(f"steps/{number}", own))
            steps.append(header)
        return {"kind": "transformed", "model": nested("model", self.model, arrays), "steps": steps}, arrays

    @classmethod
    def from_parts(cls, header: Header, arrays: Arrays) -> "Transformed":
        """The model of a header and arrays.

        Raises:
            DamagedError: they do not fit each other.
        """
        model = inner_model(header, "model", arrays)
        steps = tuple(
            step_from_parts(told, below(f"steps/{number}", arrays))
            for number, told in enumerate(headers(header, "steps"))
        )
        if model.outputs != 1 or any((step.before, step.width) != (1, 1) for step in steps):
            raise DamagedError("a model of a turned target gives more than one number")
        return cls(model, steps)


def _applied(steps: Sequence[Step]) -> list[Apply]:
    return [step.apply for step in steps]


registered("blend", Blend.from_parts)
registered("stack", Stack.from_parts)
registered("transformed", Transformed.from_parts)
