"""Computing a report again from the bytes that it names, and comparing."""

import json
from dataclasses import dataclass
from math import isclose
from typing import Any

from pydantic import ValidationError

from evermodel.artifact.store import absolute_uri, read_bytes
from evermodel.errors import DataError
from evermodel.monitoring.order import compute_report
from evermodel_api.runs import MonitorOrder

TOLERANCE = 1e-9
"""Largest difference of two numbers that count as the same, absolute and relative."""
_NAMED = 20


@dataclass(frozen=True, slots=True)
class Verification:
    """What computing a report again found."""

    differences: list[str]
    """Where the two differ, with both values: inputs first, since they explain the rest. At most twenty."""

    @property
    def same(self) -> bool:
        """Whether the report is what its inputs lead to."""
        return not self.differences


def verify(report: str, store: str | None = None) -> Verification:
    """Compute a report again.

    Args:
        report: path or URI of its JSON.
        store: where the store is now, if not where the report says.

    Raises:
        DataError: `ReportNotFound`, `ReportInvalid`, and as `compute_report`.
    """
    document, order = _read(report)
    if store is not None:
        artifact = order.artifact.uri.rstrip("/").rsplit("/", 1)[-1]
        moved = order.artifact.model_copy(update={"uri": f"{absolute_uri(store)}/artifacts/{artifact}"})
        order = order.model_copy(update={"store": store, "artifact": moved})
    again: Any = json.loads(json.dumps(compute_report(order)))
    for each in (document, again):
        each.pop("order")
        each["inputs"].pop("order")  # where the store lies is part of it
    found = list(_differences(document, again, ""))
    return Verification(sorted(found, key=lambda line: not line.startswith("inputs"))[:_NAMED])


def _read(report: str) -> tuple[dict[str, Any], MonitorOrder]:
    try:
        document: dict[str, Any] = json.loads(read_bytes(absolute_uri(report)))
        return document, MonitorOrder.model_validate(document["order"])
    except FileNotFoundError:
        raise DataError("ReportNotFound", f"there is no report {report}; give the .json of an evaluation") from None
    except (ValueError, KeyError, TypeError, ValidationError) as error:
        text = f"{report} is no report of an evaluation in a cluster; give reports/<monitor>/<evaluation>.json"
        raise DataError("ReportInvalid", text) from error


def _differences(was: Any, now: Any, where: str) -> list[str]:
    if isinstance(was, dict) and isinstance(now, dict):
        keys = sorted({*was, *now})
        return [line for key in keys for line in _differences(was.get(key), now.get(key), f"{where}.{key}".strip("."))]
    if isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        pairs = enumerate(zip(was, now, strict=True))
        return [line for place, (one, two) in pairs for line in _differences(one, two, f"{where}[{place}]")]
    if _is_number(was) and _is_number(now) and isclose(was, now, rel_tol=TOLERANCE, abs_tol=TOLERANCE):
        return []
    return [] if was == now else [f"{where}: the report says {_short(was)}, and now it is {_short(now)}"]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 120 else f"{text[:119]}\N{HORIZONTAL ELLIPSIS}"
