"""Reasons in requests and answers: outputs beside the prediction that come only when they are asked for by name."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evermodel.serving.check import show
from evermodel.serving.faults import BadRequestError

CONTRIBUTIONS = "contributions"
"""Output with what each column adds to the raw score, and the bias last."""
INTERVAL = "interval"
"""Output with two numbers between which the truth lies, of a regression."""
PREDICTION_SET = "prediction_set"
"""Output with whether each class is one that the truth may be."""
OUT_OF_RANGE = "out_of_range"
"""Output with whether each value lies outside what training saw."""
REASONS = (CONTRIBUTIONS, INTERVAL, PREDICTION_SET, OUT_OF_RANGE)
COVERED = frozenset({INTERVAL, PREDICTION_SET})
"""Those that take a coverage."""
COVERAGE = 0.9
"""Coverage where the request names none."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason for the answers to all rows."""

    values: NDArray[Any]
    """The first axis is that of the rows."""
    parameters: Mapping[str, Any]
    """What is said of it, such as the coverage."""


def asked_of(outputs: tuple[str, ...] | None) -> tuple[str, ...]:
    """Those of the outputs that are reasons."""
    return () if outputs is None else tuple(name for name in outputs if name in REASONS)


def read_coverages(outputs: object) -> dict[str, float]:
    """The coverage of each output that takes one: `{"name": "interval", "parameters": {"coverage": 0.95}}`.

    Args:
        outputs: of a v2 request, in which every output was found to be an object with a known name.

    Raises:
        BadRequestError: it is no number between 0 and 1, or stands beside an output that takes none.
    """
    found: dict[str, float] = {}
    for output in outputs if isinstance(outputs, list) else ():
        name, parameters = output["name"], output.get("parameters")
        told = parameters.get("coverage") if isinstance(parameters, dict) else None
        if name in COVERED:
            found[name] = _coverage(told, f"output {show(name)}")
        elif told is not None:
            raise BadRequestError(f"output {show(name)}: it takes no coverage; {_WHO_TAKES}")
    return found


def read_explain(document: dict[str, Any]) -> tuple[tuple[str, ...] | None, dict[str, float]]:
    """The reasons that a v1 request asks for, `"explain": ["interval"], "coverage": 0.95`, and their coverages.

    Raises:
        BadRequestError: it names none that is known, or a coverage that nothing takes.
    """
    names, told = document.get("explain"), document.get("coverage")
    if names is None:
        names = []
    if not isinstance(names, list) or not all(isinstance(name, str) and name in REASONS for name in names):
        raise BadRequestError(f"explain: expected a list of {', '.join(REASONS)}, got {show(names)}")
    covered = [name for name in names if name in COVERED]
    if told is not None and not covered:
        raise BadRequestError(f"coverage: nothing that is asked for takes one; {_WHO_TAKES}")
    coverages = {name: _coverage(told, "coverage") for name in covered}
    return tuple(dict.fromkeys(names)) or None, coverages


_WHO_TAKES = f"{' and '.join(sorted(COVERED))} do"


def _coverage(told: object, where: str) -> float:
    if told is None:
        return COVERAGE
    if isinstance(told, bool) or not isinstance(told, int | float) or not 0.0 < told < 1.0:
        raise BadRequestError(f"{where}: the coverage must be a number between 0 and 1, such as 0.9, got {show(told)}")
    return float(told)


def reason_output(name: str, reason: Reason) -> dict[str, Any]:
    """A reason as an output of the Open Inference Protocol."""
    values = reason.values
    datatype = "BOOL" if values.dtype == np.bool_ else "FP64"
    output: dict[str, Any] = {"name": name, "datatype": datatype, "shape": list(values.shape)}
    if reason.parameters:
        output["parameters"] = dict(reason.parameters)
    return {**output, "data": np.ascontiguousarray(values).ravel()}
