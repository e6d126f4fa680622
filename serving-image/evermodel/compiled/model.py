"""What a compiled model is: numbers in, numbers out, and plain arrays that it is made of.

A model takes the feature matrix and nothing else. It describes itself as a JSON-able header and named arrays, from
which `from_parts` makes it again; models that are made of others keep theirs under a prefix.
"""

import importlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Header = dict[str, Any]
"""What JSON can hold. `kind` is the key of the registry."""
Arrays = Mapping[str, NDArray[Any]]
"""Arrays by their name; little-endian."""


class NotCompilableError(Exception):
    """A fitted part has no compiled form; the message says which and why, as a part of a sentence."""


class DamagedError(Exception):
    """Header and arrays do not make a model; the message says why, as a part of a sentence."""


class KernelMissingError(Exception):
    """Trees are walked by a library in C that is not there, or cannot be loaded; the message is a sentence."""


class Contributions(NamedTuple):
    """What each feature adds to an answer, exact: base + the sum over the features is the answer on this scale."""

    values: Floats
    """Shape (rows, features, outputs)."""
    base: Floats
    """Shape (outputs,)."""
    scale: str
    """log-odds (of two classes, one output; of more, one for each class), score, probability, value, log of a value."""


class Model(Protocol):
    """A compiled model. Safe to ask from several threads at once.

    Which models can say what each feature adds to their answers is for `contributions.explained` to say.
    """

    @property
    def features(self) -> int:
        """Number of columns of the matrix that it takes."""

    @property
    def outputs(self) -> int:
        """Number of classes; 1 for a regression."""

    def predict(self, matrix: Floats) -> Floats:
        """Answers to a matrix of shape (rows, features), C-contiguous, at least one row.

        Returns:
            Shape (rows,) for a regression, (rows, classes) probabilities for a classifier.
        """

    def describe(self) -> tuple[Header, dict[str, NDArray[Any]]]:
        """Header with its `kind`, and arrays by name."""


FromParts = Callable[[Header, Arrays], Any]
_MODULES = {
    "trees": "evermodel.compiled.trees",
    "linear": "evermodel.compiled.linear",
    "gaussian": "evermodel.compiled.linear_bayes",
    "quadratic": "evermodel.compiled.linear_bayes",
    "layers": "evermodel.compiled.linear_layers",
    "constant": "evermodel.compiled.linear",
    "calibrated": "evermodel.compiled.compose_calibrated",
    "blend": "evermodel.compiled.compose",
    "stack": "evermodel.compiled.compose",
    "transformed": "evermodel.compiled.compose",
}
"""Where each kind lives: a file names a kind and never a module."""
_KINDS: dict[str, FromParts] = {}


def registered(kind: str, from_parts: FromParts) -> None:
    """Enter how a kind is made of its header and arrays; it raises `DamagedError` when they do not fit."""
    _KINDS[kind] = from_parts


def from_parts(header: Header, arrays: Arrays) -> Model:
    """The model of a header and its arrays.

    Raises:
        DamagedError: the kind is unknown, or the arrays do not fit the header or each other.
    """
    kind = header.get("kind")
    if not isinstance(kind, str) or kind not in _MODULES:
        raise DamagedError(f"it holds a model of the unknown kind {str(kind)[:40]!r}")
    importlib.import_module(_MODULES[kind])
    model: Model = _KINDS[kind](header, arrays)
    return model


def take(arrays: Arrays, name: str, kind: str, shape: tuple[int | None, ...]) -> NDArray[Any]:
    """An array that is there with this kind of numbers (`f8`, `i4`, ...) and this shape; None fits every length.

    Raises:
        DamagedError: it is not.
    """
    array = arrays.get(name)
    if array is None:
        raise DamagedError(f"the array {name!r} is not there")
    fits = len(array.shape) == len(shape) and all(
        want is None or have == want for have, want in zip(array.shape, shape, strict=True)
    )
    if array.dtype != np.dtype(f"<{kind}") or not fits:
        raise DamagedError(f"the array {name!r} is {array.dtype} of shape {array.shape}, and should be {kind} {shape}")
    return array


def below(prefix: str, arrays: Arrays) -> dict[str, NDArray[Any]]:
    """The arrays whose names begin with `prefix/`, without it."""
    start = f"{prefix}/"
    return {name[len(start) :]: array for name, array in arrays.items() if name.startswith(start)}


def under(prefix: str, arrays: Arrays) -> dict[str, NDArray[Any]]:
    """The arrays with `prefix/` before their names."""
    return {f"{prefix}/{name}": array for name, array in arrays.items()}


def nested(prefix: str, model: Model, arrays: dict[str, NDArray[Any]]) -> Header:
    """The header of a model inside another; its arrays are added to `arrays` under the prefix."""
    header, own = model.describe()
    arrays.update(under(prefix, own))
    return header


def integer(header: Header, name: str, low: int, high: int) -> int:
    """A whole number of a header within bounds.

    Raises:
        DamagedError: it is none, or outside.
    """
    value = header.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise DamagedError(f"{name} is {str(value)[:40]}, and should be a whole number from {low} to {high}")
    return value
