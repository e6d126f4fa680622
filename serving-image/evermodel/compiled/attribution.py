"""From what each feature adds to what each column of the user's table adds.

A column may have become many features (the levels of a category, the parts of a date): their contributions are summed.
A feature may stem from several columns (a ratio, a component that trees ask for): its contribution is divided among
them in equal shares. What stems from no column goes to the bias. So nothing is lost, and the sums stay exact.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from evermodel.compiled.contributions import Explained, explained
from evermodel.compiled.model import Contributions, Floats
from evermodel.compiled.program import Program
from evermodel.compiled.rows import Texts
from evermodel.compiled.unprojected import unprojected

_AT_ONCE = 4_000_000
"""Numbers that are held for a block of rows."""


@dataclass(frozen=True)
class Attribution:
    """Takes a program's answers apart. Safe to ask from several threads at once."""

    program: Program
    explained: Explained

    @classmethod
    def of(cls, program: Program) -> "Attribution":
        """How the answers of a program are taken apart.

        Raises:
            NoContributionsError: they cannot be, exactly.
        """
        program = unprojected(program)
        return cls(program, explained(program.model))

    @property
    def scale(self) -> str:
        """What the contributions add up to: log-odds, score, probability, value, or log of a value."""
        return self.explained.scale

    @property
    def work(self) -> int:
        """Multiplications for one row, roughly."""
        return self.explained.work

    @property
    def outputs(self) -> int:
        """Numbers that are taken apart for each row: one for a regression and two classes, else one for each class."""
        classes = self.program.model.outputs
        return 1 if classes <= 2 else classes

    def contributions(self, values: Floats, texts: Texts) -> Floats:
        """What each column adds, and last the bias.

        Args:
            values: shape (rows, columns), as `Batch.values`.
            texts: as `Batch.texts`.

        Returns:
            Shape (rows, outputs, columns + 1); the sum over the last axis is the model's raw score.

        Raises:
            ValueError: the model refuses such rows.
        """
        rows, columns = len(values), self.program.columns
        out = np.zeros((rows, self.outputs, columns + 1))
        block = max(1, _AT_ONCE // max(1, self._shares.held * self.program.model.outputs))
        for start in range(0, rows, block):
            stop = min(start + block, rows)
            own = {place: cells[start:stop] for place, cells in texts.items()}
            matrix = self.program.features.matrix(values[start:stop], own)
            self._share(_of_the_answer(self.explained.ask(matrix), self.program.model.outputs), out[start:stop])
        return out

    def _share(self, told: Contributions, out: Floats) -> None:
        """Write what each column adds, in place of what each feature does."""
        shares = self._shares
        if len(shares.columns):
            parts = told.values[:, shares.features, :] * shares.weights[:, None]
            sums = np.add.reduceat(parts, shares.starts, axis=1)
            out[:, :, shares.columns] = sums.transpose(0, 2, 1)
        out[:, :, -1] = told.base + told.values[:, shares.free, :].sum(axis=1)

    @cached_property
    def _shares(self) -> "_Shares":
        return _Shares.of(self.program.features.sources)


def _of_the_answer(told: Contributions, classes: int) -> Contributions:
    """Of two classes what the second adds: its probability, or its log-odds against the first."""
    if classes != 2 or told.values.shape[2] != 2:
        return told
    if told.scale == "probability":
        return Contributions(told.values[:, :, 1:], told.base[1:], told.scale)
    return Contributions(told.values[:, :, 1:] - told.values[:, :, :1], told.base[1:] - told.base[:1], told.scale)


@dataclass(frozen=True)
class _Shares:
    """Pairs of features and columns, ordered by the column."""

    features: NDArray[np.intp]
    weights: Floats
    """Of each pair: one over the number of columns that the feature stems from."""
    starts: NDArray[np.intp]
    """Where the pairs of each column begin."""
    columns: NDArray[np.intp]
    """Columns that have any."""
    free: NDArray[np.intp]
    """Features that stem from no column."""
    held: int
    """Numbers for each row and output while a block is shared."""

    @classmethod
    def of(cls, sources: tuple[tuple[int, ...], ...]) -> "_Shares":
        pairs = sorted((column, feature) for feature, own in enumerate(sources) for column in own)
        features = np.array([feature for _, feature in pairs], dtype=np.intp)
        columns, starts = np.unique(np.array([column for column, _ in pairs], dtype=np.intp), return_index=True)
        weights = np.array([1.0 / len(sources[feature]) for _, feature in pairs])
        free = np.array([feature for feature, own in enumerate(sources) if not own], dtype=np.intp)
        return cls(features, weights, starts, columns, free, held=len(sources) + len(pairs))
