"""A linear model of components (PCA and its kin) as the same linear model of what the components are made of.

A sum of weighted sums is a weighted sum: with z = (C (x - shift) - after) / scale, a score w z is
(w / scale) C x and a number that is the same for all rows.
So what each column adds is exact there too, and no component has to be divided among the columns that it stems from.
"""

from dataclasses import dataclass, replace

import numpy as np

from evermodel.compiled.features import Features
from evermodel.compiled.features_steps import Step
from evermodel.compiled.linear import Linear
from evermodel.compiled.model import Floats
from evermodel.compiled.program import Program

_PROJECTION = "project"


def unprojected(program: Program) -> Program:
    """The program without the projections that stand right before a linear model; others as they are.

    Its score is the same but for rounding. What it measures contributions from is the row nearest to `shift` whose
    components are the means of the training rows' components, so that the bias stays the score of a row of means.
    """
    model, features = program.model, program.features
    if not isinstance(model, Linear) or model.threshold is not None:
        return program
    while features.selection and features.selection[-1].kind == _PROJECTION:
        model = _before(model, features.selection[-1], 0)
        features = replace(features, selection=features.selection[:-1])
    if not features.selection:
        model, features = _before_branches(model, features)
    return program if features is program.features else Program(features, model)


def _before_branches(model: Linear, features: Features) -> tuple[Linear, Features]:
    """Take the projection off the end of each branch that has one."""
    branches, start = [], 0
    for branch in features.branches:
        kept = branch
        while kept.steps and kept.steps[-1].kind == _PROJECTION:
            model = _before(model, kept.steps[-1], start)
            kept = replace(kept, steps=kept.steps[:-1])
        branches.append(kept)
        start += kept.width
    same = all(kept is branch for kept, branch in zip(branches, features.branches, strict=True))
    return model, features if same else replace(features, branches=tuple(branches))


def _before(model: Linear, step: Step, start: int) -> Linear:
    """The model of the columns that a projection takes; it gave the columns from `start` on."""
    line = _Projection.of(step)
    stop = start + step.width
    own = model.weights[:, start:stop]
    weights = own @ line.matrix
    return replace(
        model,
        weights=_spliced(model.weights, weights, start, stop),
        intercept=model.intercept + own @ line.offset,
        center=_spliced(model.center, line.origin_of(model.center[start:stop]), start, stop),
    )


def _spliced(row: Floats, own: Floats, start: int, stop: int) -> Floats:
    return np.ascontiguousarray(np.concatenate([row[..., :start], own, row[..., stop:]], axis=-1))


@dataclass(frozen=True)
class _Projection:
    """z = matrix x + offset."""

    matrix: Floats
    """Shape (width, before)."""
    offset: Floats
    """Shape (width,)."""
    shift: Floats
    """Shape (before,)."""

    @classmethod
    def of(cls, step: Step) -> "_Projection":
        arrays = step.arrays
        matrix = arrays["components"] / arrays["scale"][:, None]
        return cls(matrix, -(matrix @ arrays["shift"]) - arrays["after"] / arrays["scale"], arrays["shift"])

    def origin_of(self, components: Floats) -> Floats:
        """The row nearest to the shift that has these components."""
        missed = components - self.offset - self.matrix @ self.shift
        return np.asarray(self.shift + np.linalg.pinv(self.matrix) @ missed)
