"""A set of decision trees as a compiled model. Imports numpy and nothing heavy."""

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evermodel.compiled.kernel import Forest, ForestArrays, Link
from evermodel.compiled.model import (
    Arrays,
    Contributions,
    DamagedError,
    Floats,
    Header,
    NotCompilableError,
    registered,
    take,
)
from evermodel.compiled.trees_arrays import depth_of, described, forest_arrays
from evermodel.compiled.trees_facts import Finish, TreesFacts, facts_of, kernel_facts, told

KIND = "trees"
_DEEPEST = 500
"""Contributions of deeper trees are not computed: the kernel calls itself once for each decision on a way."""

_NODE_WORK = 8
"""What a node costs beside its points, in multiplications."""


class Trees:
    """Decision trees whose answers are summed, or put in order."""

    def __init__(self, arrays: ForestArrays, facts: TreesFacts, weights: Floats | None = None) -> None:
        """Prepare the kernel.

        Args:
            arrays: of `assemble` or `forest_arrays`.
            facts: what they are.
            weights: of each tree, for a median.

        Raises:
            KernelMissingError: the kernel is not there.
        """
        self.facts = facts
        self._arrays = arrays
        self._weights = weights
        self._forest = Forest(arrays, kernel_facts(facts, len(arrays.roots), 0))
        self._deep: tuple[Forest, Floats] | None = None
        self._looked = False
        self._explaining = threading.Lock()

    @property
    def features(self) -> int:
        """Number of columns of the matrix that it takes."""
        return self.facts.features

    @property
    def outputs(self) -> int:
        """Number of classes; 1 for a regression."""
        return self.facts.classes or 1

    def predict(self, matrix: Floats) -> Floats:
        """Answers to a matrix of shape (rows, features), C-contiguous, at least one row.

        Returns:
            Shape (rows,) for a regression, (rows, classes) probabilities for a classifier.

        Raises:
            ValueError: the library that made the trees refuses such a row: a value is missing, or is too large.
        """
        answers = self._forest.predict(matrix)
        if self.facts.finish is not Finish.NONE:
            answers = self._finished(answers)
        return answers if self.facts.classes else answers.reshape(-1)

    def _finished(self, answers: Floats) -> Floats:
        finish = self.facts.finish
        if finish is Finish.SOFTMAX:
            return _softmax(answers)
        if finish is Finish.SOFTMAX_BY_COLUMN:
            return np.ascontiguousarray(_softmax(np.asfortranarray(answers)))
        if finish is Finish.EXP:
            return np.exp(answers)
        if finish is Finish.VOTES:
            return _from_votes(answers)
        assert self._weights is not None  # noqa: S101  from_parts and compile_trees see to it
        return _weighted_median(answers, self._weights)

    @property
    def contributions(self) -> Callable[[Floats], Contributions] | None:
        """What each feature adds to an answer; None where answers are no sum, or the trees are too deep."""
        facts = self.facts
        two_sums = facts.link is Link.SIGMOIDS and facts.outputs == 2  # two classes, and neither against the other
        if not facts.unit or two_sums or self._arrays.cover is None or self._explained() is None:
            return None
        return self._contributions

    @property
    def scale(self) -> str:
        """Scale of the contributions."""
        return self.facts.unit

    @property
    def is_answer(self) -> bool:
        """Whether the sums are the answers."""
        return self.facts.link is Link.NONE and self.facts.finish is Finish.NONE

    @property
    def work(self) -> int:
        """Multiplications for the contributions to one row: each node, and the integral's points there."""
        facts, explained = self.facts, self._explained()
        depth = 0 if explained is None else explained[0].facts.depth
        width = 1 if self._arrays.groups is not None else facts.outputs
        return len(self._arrays.nodes) * (_NODE_WORK + (min(depth, facts.features) // 2 + 1) * (1 + width))

    def _contributions(self, matrix: Floats) -> Contributions:
        """What each feature adds, for a matrix of shape (rows, features).

        Raises:
            ValueError: as `predict`.
        """
        explained = self._explained()
        assert explained is not None  # noqa: S101  `contributions` gives this function only then
        forest, base = explained
        return Contributions(self._on_scale(forest.contributions(matrix)), base, self.facts.unit)

    def _explained(self) -> tuple[Forest, Floats] | None:
        """Prepared when first asked for: the depth and the expected sums need a look at every node."""
        with self._explaining:
            if not self._looked:
                self._looked = True
                depth = depth_of(self._arrays)
                if depth <= _DEEPEST:
                    forest = Forest(self._arrays, kernel_facts(self.facts, len(self._arrays.roots), depth))
                    self._deep = forest, self._on_scale(forest.expected() + self._arrays.base)
            return self._deep

    def _on_scale(self, sums: Floats) -> Floats:
        """Sums, with outputs as their last axis, as they are told: of the probability, or of the log-odds."""
        facts = self.facts
        sums = sums / facts.divisor * facts.scale
        if facts.finish is not Finish.VOTES:
            return sums
        return sums[..., 1:] - sums[..., :1] if facts.classes == 2 else sums / (facts.classes - 1)

    def describe(self) -> tuple[Header, dict[str, NDArray[Any]]]:
        """Header and arrays."""
        header: Header = {"kind": KIND, **told(self.facts)}
        arrays = described(self._arrays)
        if self._weights is not None:
            arrays["weights"] = self._weights
        return header, arrays


def _softmax(raw: Floats) -> Floats:
    raw -= raw.max(axis=1, keepdims=True)
    np.exp(raw, out=raw)
    raw /= raw.sum(axis=1, keepdims=True)
    return raw


def _from_votes(votes: Floats) -> Floats:
    if votes.shape[1] == 2:
        decision = votes[:, 1] - votes[:, 0]
        return _softmax(np.stack([-decision, decision], axis=1) / 2)
    votes /= votes.shape[1] - 1
    return np.ascontiguousarray(_softmax(np.asfortranarray(votes)))


def _weighted_median(values: Floats, weights: Floats) -> Floats:
    order = np.argsort(values, axis=1)
    reached = np.cumsum(weights[order], axis=1)
    first = (reached >= 0.5 * reached[:, -1:]).argmax(axis=1)
    rows = np.arange(len(values))
    return np.asarray(values[rows, order[rows, first]], dtype=np.float64)


def _from_parts(header: Header, arrays: Arrays) -> Trees:
    facts = facts_of(header)
    two = facts.link in (Link.SIGMOID, Link.SIGMOID_SINGLE)
    if facts.outputs != (1 if two else facts.classes or 1) or (two and facts.classes not in (0, 2)):
        raise DamagedError("its outputs do not fit its classes")
    if (facts.link is Link.LEAVES) != (facts.finish is Finish.MEDIAN):
        raise DamagedError("a median needs the values of all trees, and nothing else does")
    made = forest_arrays(arrays, facts.features, facts.outputs)
    if facts.link is not Link.LEAVES:
        return Trees(made, facts)
    if made.groups is None or facts.classes:
        raise DamagedError("a median is of trees with one value each")
    return Trees(made, replace(facts, unit=""), take(arrays, "weights", "f8", (len(made.roots),)))


registered(KIND, _from_parts)


def compile_trees(estimator: Any) -> Trees:
    """The compiled form of a fitted estimator of trees; its answers are equal to its own to the last bit.

    Args:
        estimator: a decision tree, a forest, boosted or bagged trees of scikit-learn, XGBoost or LightGBM.

    Raises:
        NotCompilableError: it is none of these, or uses something that has no compiled form.
        KernelMissingError: the kernel is not there.
    """
    from evermodel.compiled import trees_boosters, trees_sklearn  # noqa: PLC0415  they make what is defined here

    name = type(estimator).__name__
    readers = {**trees_sklearn.READERS, **trees_boosters.READERS}
    if name not in readers:
        raise NotCompilableError(f"{name} is no set of trees")
    return readers[name](estimator)
