"""From the trees of a library to the arrays of the kernel, and whether arrays of a file are trees at all."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evermodel.compiled.kernel import NODE, ForestArrays, arrange, distinct
from evermodel.compiled.model import Arrays, DamagedError, Floats, NotCompilableError, take

_MOST_NODES = 2**31 - 2


@dataclass(frozen=True)
class PlainTree:
    """One tree as libraries keep it: an entry for each node, node 0 is the root."""

    left: NDArray[Any]
    """Number of the left child; below 0 for a leaf."""
    right: NDArray[Any]
    feature: NDArray[Any]
    threshold: NDArray[Any]
    """A value above it goes right."""
    values: NDArray[Any]
    """Shape (nodes,), or (nodes, outputs) where a leaf adds to every output. Only those of leaves are read."""
    cover: NDArray[Any]
    """How much of the training rows came through."""
    missing_left: NDArray[Any] | None = None
    """Whether a missing value goes left; None for everywhere."""


def assemble(
    trees: Sequence[PlainTree], features: int, base: Floats, groups: Sequence[int] | None = None
) -> ForestArrays:
    """The arrays of a set of trees, in one order that follows from the trees alone.

    Args:
        trees: in the order in which they are summed; at least one.
        features: number of columns.
        base: shape (outputs,): what the sums begin with.
        groups: the output that each tree adds to, for trees whose values have one number; None for tables.

    Raises:
        NotCompilableError: the nodes are no trees, or too many.
        KernelMissingError: the kernel is not there.
    """
    if sum(len(tree.left) for tree in trees) > _MOST_NODES:
        raise NotCompilableError("its trees have too many nodes")
    try:
        orders = [arrange(tree.left, tree.right, tree.cover) for tree in trees]
    except ValueError as error:
        raise NotCompilableError(str(error)) from error
    sizes = np.array([len(order) for order, _ in orders])
    step = np.concatenate([step for _, step in orders])
    leaf = step == 0

    def picked(name: str) -> NDArray[Any]:
        return np.concatenate([getattr(tree, name)[order] for tree, (order, _) in zip(trees, orders, strict=True)])

    nodes = np.zeros(len(step), NODE)
    nodes["step"] = step
    nodes["feature"] = np.where(leaf, features, picked("feature"))
    values, leaves = picked("values"), None
    if groups is None:
        leaves, numbers = distinct(values[leaf].reshape(int(leaf.sum()), -1))
        values = np.zeros(len(step))
        values[leaf] = numbers
    nodes["threshold"] = np.where(leaf, values, picked("threshold"))
    return ForestArrays(
        nodes=nodes,
        roots=(np.cumsum(sizes) - sizes).astype(np.int32),
        groups=None if groups is None else np.array(groups, np.int32),
        leaves=leaves,
        missing_right=_missing_right(trees, [order for order, _ in orders], leaf),
        base=np.ascontiguousarray(base, np.float64),
        cover=picked("cover").astype(np.float32),
    )


def _missing_right(
    trees: Sequence[PlainTree], orders: Sequence[NDArray[np.int32]], leaf: NDArray[np.bool_]
) -> NDArray[np.uint8] | None:
    parts = [
        np.zeros(len(order), bool) if tree.missing_left is None else ~tree.missing_left[order].astype(bool)
        for tree, order in zip(trees, orders, strict=True)
    ]
    right = np.concatenate(parts) & ~leaf
    return right.astype(np.uint8) if right.any() else None


def described(arrays: ForestArrays) -> dict[str, NDArray[Any]]:
    """The arrays by name, as `forest_arrays` takes them."""
    named = {name: getattr(arrays, name) for name in ("roots", "groups", "leaves", "missing_right", "base", "cover")}
    nodes = arrays.nodes.view("<i4").reshape(-1, 4)
    return {"nodes": nodes, **{name: array for name, array in named.items() if array is not None}}


def forest_arrays(named: Arrays, features: int, outputs: int) -> ForestArrays:
    """The arrays of a file, once every index in them was found to stay inside.

    Args:
        named: of `described`.
        features: number of columns.
        outputs: numbers that are summed.

    Raises:
        DamagedError: they are not the arrays of trees.
    """
    nodes = np.ascontiguousarray(take(named, "nodes", "i4", (None, 4))).view(NODE).reshape(-1)
    roots = take(named, "roots", "i4", (None,))
    count = len(nodes)
    arrays = ForestArrays(
        nodes=nodes,
        roots=np.ascontiguousarray(roots),
        groups=_optional(named, "groups", "i4", (len(roots),)),
        leaves=_optional(named, "leaves", "f8", (None, outputs)),
        missing_right=_optional(named, "missing_right", "u1", (count,)),
        base=np.ascontiguousarray(take(named, "base", "f8", (outputs,))),
        cover=_optional(named, "cover", "f4", (count,)),
    )
    _check_shape(arrays, features)
    _check_leaves(arrays, outputs)
    return arrays


def _optional(named: Arrays, name: str, kind: str, shape: tuple[int | None, ...]) -> NDArray[Any] | None:
    return np.ascontiguousarray(take(named, name, kind, shape)) if name in named else None


def _check_shape(arrays: ForestArrays, features: int) -> None:
    """Every node but the roots is the child of one node before it, in its own tree; leaves alone stand still."""
    nodes, roots = arrays.nodes, arrays.roots.astype(np.int64)
    count = len(nodes)
    if not len(roots) or roots[0] != 0 or np.any(np.diff(roots) <= 0) or roots[-1] >= count:
        raise DamagedError("the roots of its trees are not in order")
    step = nodes["step"].astype(np.int64)
    inner = np.flatnonzero(step)
    feature = nodes["feature"]
    if np.any(step < 0) or np.any(feature[step == 0] != features):
        raise DamagedError("a leaf of its trees has a feature")
    if np.any(feature[inner] < 0) or np.any(feature[inner] >= features):
        raise DamagedError("a node of its trees asks for a feature that is not there")
    children = (inner + step[inner])[:, None] + np.arange(2)
    ends = np.append(roots[1:], count)
    end_of = np.repeat(ends, np.diff(np.append(roots, count)))
    if np.any(children[:, 1] >= end_of[inner]):
        raise DamagedError("a node of its trees has a child outside its tree")
    parents = np.bincount(children.ravel(), minlength=count)
    parents[roots] += 1
    if np.any(parents != 1):
        raise DamagedError("a node of its trees has no parent, or several")


def _check_leaves(arrays: ForestArrays, outputs: int) -> None:
    if (arrays.groups is None) == (arrays.leaves is None):
        raise DamagedError("its trees need either groups or a table of leaves")
    if arrays.groups is not None:
        if np.any((arrays.groups < 0) | (arrays.groups >= outputs)):
            raise DamagedError("a tree adds to an output that is not there")
        return
    rows = 0 if arrays.leaves is None else len(arrays.leaves)
    numbers = arrays.nodes["threshold"][arrays.nodes["step"] == 0]
    if not np.all((numbers >= 0) & (numbers < rows) & (numbers == np.floor(numbers))):
        raise DamagedError("a leaf of its trees is not in the table")


def depth_of(arrays: ForestArrays) -> int:
    """Number of decisions on the longest way to a leaf."""
    step = arrays.nodes["step"]
    depth, at = 0, arrays.roots.astype(np.int64)
    while len(at := at[step[at] > 0]):
        left = at + step[at]
        at = np.concatenate([left, left + 1])
        depth += 1
    return depth
