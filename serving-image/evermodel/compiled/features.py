"""From rows to the matrix that a model takes: made columns, the first step of all branches, and what follows."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evermodel.compiled.features_apply import Apply
from evermodel.compiled.features_encode import Encoding
from evermodel.compiled.features_prepare import Prepared, prepared_from_header, with_prepared
from evermodel.compiled.features_steps import Sources, Step, step_from_parts
from evermodel.compiled.model import Arrays, DamagedError, Floats, Header, below, under
from evermodel.compiled.rows import Texts


@dataclass(frozen=True)
class Branch:
    """What is done to some columns of the first matrix."""

    start: int
    stop: int
    steps: tuple[Step, ...]

    @property
    def width(self) -> int:
        """Columns that it gives."""
        return self.steps[-1].width if self.steps else self.stop - self.start


@dataclass(frozen=True)
class Features:
    """The steps before the model. Safe to ask from several threads at once."""

    columns: int
    """Columns of the signature."""
    prepared: tuple[Prepared, ...]
    encoding: Encoding
    branches: tuple[Branch, ...]
    """They cover the first matrix from left to right; none where nothing follows the encoding in any branch."""
    selection: tuple[Step, ...]
    """What is done to all columns together."""

    @property
    def width(self) -> int:
        """Columns of the matrix."""
        if self.selection:
            return self.selection[-1].width
        return sum(branch.width for branch in self.branches) if self.branches else self.encoding.width

    @cached_property
    def sources(self) -> tuple[tuple[int, ...], ...]:
        """For each feature the places of the columns of the signature that it is made of."""
        given: list[tuple[int, ...]] = [(place,) for place in range(self.columns)]
        for step in self.prepared:
            given.append(tuple(sorted({raw for place in step.of for raw in given[place]})))
        first = self.encoding.sources(tuple(given))
        made: Sources = first
        if self.branches:
            made = ()
            for branch in self.branches:
                made += _sources(branch.steps, first[branch.start : branch.stop])
        return _sources(self.selection, made)

    @cached_property
    def _branches(self) -> list[tuple[int, int, list[Apply]]]:
        return [(b.start, b.stop, [step.apply for step in b.steps]) for b in self.branches]

    @cached_property
    def _selection(self) -> list[Apply]:
        return [step.apply for step in self.selection]

    def matrix(self, values: Floats, texts: Texts) -> Floats:
        """The features of rows.

        Args:
            values: shape (rows, columns), as `Batch.values`. It may be what is returned; it is not written to.
            texts: as `Batch.texts`.

        Returns:
            Shape (rows, width), C-contiguous.

        Raises:
            ValueError: a step refuses such rows, as scikit-learn does.
        """
        raw = with_prepared(values, texts, self.prepared) if self.prepared else values
        matrix = self.encoding.matrix(raw, texts)
        if self._branches:
            matrix = np.hstack([_applied(steps, matrix[:, start:stop]) for start, stop, steps in self._branches])
        for apply in self._selection:
            matrix = apply(matrix)
        return matrix if matrix.flags.c_contiguous else np.ascontiguousarray(matrix)

    def describe(self) -> tuple[Header, dict[str, NDArray[Any]]]:
        """Header and arrays."""
        header, arrays = self.encoding.describe()
        arrays = under("encoding", arrays)
        steps: list[Header] = []
        branches: list[Header] = []
        for branch in self.branches:
            places = _told(branch.steps, steps, arrays)
            branches.append({"start": branch.start, "stop": branch.stop, "steps": places})
        selection = _told(self.selection, steps, arrays)
        return {
            "columns": self.columns,
            "prepared": [step.describe() for step in self.prepared],
            "encoding": header,
            "branches": branches,
            "selection": selection,
            "steps": steps,
        }, arrays

    @classmethod
    def from_parts(cls, header: Header, arrays: Arrays) -> "Features":
        """The features of a header and arrays.

        Raises:
            DamagedError: they do not fit each other.
        """
        columns, encoding = header.get("columns"), header.get("encoding")
        if type(columns) is not int or columns < 1 or not isinstance(encoding, dict):
            raise DamagedError("its features have no columns or no encoding")
        prepared: list[Prepared] = []
        for told in _headers(header, "prepared"):
            prepared.append(prepared_from_header(told, columns, columns + len(prepared)))
        first = Encoding.from_parts(encoding, below("encoding", arrays))
        if first.given != columns + len(prepared):
            raise DamagedError("its encoding takes another number of columns than there are")
        steps = [
            step_from_parts(told, below(f"steps/{number}", arrays))
            for number, told in enumerate(_headers(header, "steps"))
        ]
        branches = tuple(_branch(told, steps) for told in _headers(header, "branches"))
        if branches:
            bounds = [0, *(branch.stop for branch in branches)]
            if [branch.start for branch in branches] != bounds[:-1] or bounds[-1] != first.width:
                raise DamagedError("its branches do not cover its encoding")
        before = sum(branch.width for branch in branches) if branches else first.width
        return cls(columns, tuple(prepared), first, branches, _chain(header.get("selection"), steps, before))


def _applied(steps: Sequence[Apply], matrix: Floats) -> Floats:
    for apply in steps:
        matrix = apply(matrix)
    return matrix


def _sources(steps: Sequence[Step], given: Sources) -> Sources:
    for step in steps:
        given = step.sources(given)
    return given


def _told(steps: Sequence[Step], known: list[Header], arrays: dict[str, NDArray[Any]]) -> list[int]:
    """Numbers of the steps, whose headers and arrays are added."""
    places = []
    for step in steps:
        header, own = step.describe()
        arrays.update(under(f"steps/{len(known)}", own))
        places.append(len(known))
        known.append(header)
    return places


def _headers(header: Header, name: str) -> list[Header]:
    told = header.get(name)
    if not isinstance(told, list) or not all(isinstance(item, dict) for item in told):
        raise DamagedError(f"its features have no {name}")
    return told


def _branch(told: Header, steps: Sequence[Step]) -> Branch:
    start, stop = told.get("start"), told.get("stop")
    if type(start) is not int or type(stop) is not int or not 0 <= start < stop:
        raise DamagedError("one of its branches takes no columns")
    return Branch(start, stop, _chain(told.get("steps"), steps, stop - start))


def _chain(places: Any, steps: Sequence[Step], before: int) -> tuple[Step, ...]:
    """The steps of these numbers; each takes as many columns as the one before it gives."""
    if not isinstance(places, list) or not all(type(p) is int and 0 <= p < len(steps) for p in places):
        raise DamagedError("it names steps that are not there")
    chain = tuple(steps[place] for place in places)
    for step in chain:
        if step.before != before:
            raise DamagedError(f"its step {step.kind} takes {step.before} columns and is given {before}")
        before = step.width
    return chain
