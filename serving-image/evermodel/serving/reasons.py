"""Reasons for an answer: which of them a model can give, and what they are (docs/reasons.md)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evermodel.artifact.conformal import Conformal
from evermodel.artifact.documents import ArtifactDocuments
from evermodel.compiled.attribution import Attribution
from evermodel.compiled.contributions import NoContributionsError
from evermodel.compiled.program import Program
from evermodel.serving.batch import Batch
from evermodel.serving.faults import BadRequestError, TooLargeError
from evermodel.serving.protocol.reasons import (
    CONTRIBUTIONS,
    COVERAGE,
    COVERED,
    INTERVAL,
    OUT_OF_RANGE,
    PREDICTION_SET,
    REASONS,
    Reason,
)
from evermodel.serving.seen import Seen

MOST_NUMBERS = 4_000_000
"""Numbers of the contributions in one answer."""
MOST_WORK = 5_000_000_000
"""Multiplications for the contributions in one answer: a thread is held for some ten seconds at most."""

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Reasons:
    """The reasons that one served model gives. Safe to ask from several threads at once."""

    version: str
    """Name of the version, for messages."""
    documents: ArtifactDocuments
    program: Program | None
    """The compiled model; None where something else answers."""
    engine: str
    """What answers, for messages."""

    @cached_property
    def _attribution(self) -> Attribution | str:
        """How answers are taken apart, or why they are not."""
        if self.program is None:
            return f"it is served by {self.engine}, and contributions are computed from the compiled model alone"
        try:
            return Attribution.of(self.program)
        except NoContributionsError as error:
            return str(error)

    @cached_property
    def _seen(self) -> Seen:
        return Seen(self.documents.signature, self.documents.baseline)

    def refusal(self, name: str) -> str:
        """Why there is no such reason, as a part of a sentence; empty where there is."""
        is_classifier = bool(self.documents.signature.classes)
        if name == CONTRIBUTIONS:
            return self._attribution if isinstance(self._attribution, str) else ""
        if name == INTERVAL and is_classifier:
            return f"it answers classes; ask for {PREDICTION_SET}"
        if name == PREDICTION_SET and not is_classifier:
            return f"it answers numbers; ask for {INTERVAL}"
        if name in COVERED and self.documents.conformal is None:
            return "its artifact does not tell how far it was from the truth on its test rows; train it again"
        return ""

    def check(self, names: Sequence[str], coverages: Mapping[str, float], rows: int) -> None:
        """Refuse what this model does not give, before anything is computed.

        Raises:
            BadRequestError: it has no such reason, or its test rows are too few for such a coverage.
            TooLargeError: contributions of so many rows are too much for one answer.
        """
        for name in names:
            if why := self.refusal(name):
                estimator = self.documents.manifest.estimator
                raise BadRequestError(f"the model {self.version} ({estimator}) gives no {name}: {why}")
            if name in COVERED:
                self._distance(name, coverages.get(name, COVERAGE))
        if CONTRIBUTIONS in names:
            self._check_size(rows)

    def _check_size(self, rows: int) -> None:
        attribution = self._attribution
        assert isinstance(attribution, Attribution)  # noqa: S101  `refusal` says so
        numbers = attribution.outputs * (len(self.documents.signature.columns) + 1)
        most = max(1, min(MOST_NUMBERS // numbers, MOST_WORK // max(1, attribution.work)))
        if rows > most:
            raise TooLargeError(
                f"the request has {rows} rows and {CONTRIBUTIONS} of this model are computed for at most {most} rows;"
                " send them in several requests"
            )

    def of(
        self, names: Sequence[str], coverages: Mapping[str, float], batch: Batch, numbers: Numbers
    ) -> dict[str, Reason]:
        """The reasons of these names.

        Args:
            names: reasons that `check` lets pass.
            coverages: of those that take one.
            batch: the rows.
            numbers: what the engine answered: shape (rows,), or (rows, classes).
        """
        return {name: self._one(name, coverages.get(name, COVERAGE), batch, numbers) for name in names}

    def _one(self, name: str, coverage: float, batch: Batch, numbers: Numbers) -> Reason:
        if name == OUT_OF_RANGE:
            return Reason(self._seen.out_of_range(batch), {})
        if name == CONTRIBUTIONS:
            attribution = self._attribution
            assert isinstance(attribution, Attribution)  # noqa: S101  `refusal` says so
            values = attribution.contributions(batch.values, batch.texts)
            return Reason(values if attribution.outputs > 1 else values[:, 0], {"scale": attribution.scale})
        distance = self._distance(name, coverage)
        if name == INTERVAL:
            return Reason(np.stack([numbers - distance, numbers + distance], axis=1), {"coverage": coverage})
        # a class that is as improbable as the limit belongs to the set, whatever the engine rounds otherwise
        limit = distance + self.documents.golden.tolerance
        return Reason(1.0 - numbers <= limit, {"coverage": coverage})

    def _distance(self, name: str, coverage: float) -> float:
        conformal = self.documents.conformal
        assert conformal is not None  # noqa: S101  `refusal` says so
        try:
            return conformal.distance(coverage)
        except ValueError:
            raise BadRequestError(_too_sure(name, coverage, conformal)) from None

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the reasons that there are."""
        return tuple(name for name in REASONS if not self.refusal(name))

    def outputs(self) -> list[dict[str, Any]]:
        """What the metadata say of the reasons that there are; -1 stands for any number of rows."""
        return [self._output(name) for name in self.names]

    def _output(self, name: str) -> dict[str, Any]:
        signature = self.documents.signature
        columns, classes = len(signature.columns), len(signature.classes)
        if name == OUT_OF_RANGE:
            return _told(name, "BOOL", [-1, columns])
        if name == CONTRIBUTIONS:
            attribution = self._attribution
            assert isinstance(attribution, Attribution)  # noqa: S101  `refusal` says so
            shape = [-1, columns + 1] if attribution.outputs == 1 else [-1, classes, columns + 1]
            return _told(name, "FP64", shape, scale=attribution.scale)
        shape, datatype = ([-1, 2], "FP64") if name == INTERVAL else ([-1, classes], "BOOL")
        assert self.documents.conformal is not None  # noqa: S101  `refusal` says so
        return _told(name, datatype, shape, coverage=COVERAGE, largest_coverage=self.documents.conformal.most)

    def summary(self) -> dict[str, str]:
        """For each reason of this task "on request", or why there is none."""
        other = INTERVAL if self.documents.signature.classes else PREDICTION_SET
        return {name: self.refusal(name) or "on request" for name in REASONS if name != other}


def _told(name: str, datatype: str, shape: list[int], **more: Any) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": shape, "parameters": {"on_request": True, **more}}


def _too_sure(name: str, coverage: float, conformal: Conformal) -> str:
    return (
        f"{name}: a coverage of {coverage:g} cannot be promised: the model was measured on {conformal.rows} test rows,"
        f" which allow at most {conformal.most:.6g}; ask for less, or train with more test rows"
    )
