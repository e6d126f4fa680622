"""What Prometheus is told of monitors, read from their statuses. A monitor's series go with it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge

from evermodel_api.monitor import RetrainResult, State
from evermodel_api.reasons import ConditionType, Reason

if TYPE_CHECKING:
    from evermodel_operator.plan import Object

Whose = tuple[str, str]
COLUMNS = 20
"""Findings of so many columns are shown at most, the largest first: labels must not grow with the data."""
_CONDITIONS = frozenset(str(kind) for kind in ConditionType)
_RESULTS = frozenset(str(result) for result in RetrainResult)


class MonitorMetrics:
    """Shows where each monitor stands, and counts evaluations and the ends of retrainings as they come."""

    def __init__(self, registry: CollectorRegistry) -> None:
        whose = ["namespace", "monitor"]
        self._state = Gauge(
            "evermodel_monitor_state", "1 for the state that the monitor is in.", [*whose, "state"], registry=registry
        )
        self._condition = Gauge(
            "evermodel_monitor_condition",
            "1 where a condition is True and 0 where it is False; absent where it is Unknown.",
            [*whose, "condition"],
            registry=registry,
        )
        self._looked = Gauge(
            "evermodel_monitor_last_evaluation_timestamp_seconds",
            "When a window was last looked at; of a monitor whose evaluations fail it stands still.",
            whose,
            registry=registry,
        )
        self._rows = Gauge("evermodel_monitor_window_rows", "Rows in the last window.", whose, registry=registry)
        self._labels = Gauge(
            "evermodel_monitor_label_coverage_ratio",
            "Share of the last window's rows that have a label.",
            whose,
            registry=registry,
        )
        self._found = Gauge(
            "evermodel_monitor_finding_ratio",
            "What was found beyond its limit, as a multiple of the limit, by column or metric.",
            [*whose, "column", "test"],
            registry=registry,
        )
        self._evaluations = Counter(
            "evermodel_monitor_evaluations", "Evaluations that ended.", [*whose, "result"], registry=registry
        )
        self._retrainings = Counter(
            "evermodel_monitor_retrainings", "Retrainings that ended.", [*whose, "result"], registry=registry
        )
        self._series: dict[Whose, set[tuple[Gauge | Counter, tuple[str, ...]]]] = {}

    def seen(self, old: Object | None, new: Object | None) -> None:
        """Take in a change of a monitor. One that is seen for the first time tells nothing of its past."""
        there = new or old
        if there is None:
            return
        whose = (there["metadata"]["namespace"], there["metadata"]["name"])
        if new is None:
            self._forget(whose)
            return
        if old is not None:
            self._count(whose, _status(old), _status(new))
        self._show(whose, _status(new))

    def _count(self, whose: Whose, before: Object, after: Object) -> None:
        if after.get("evaluated") not in {None, before.get("evaluated")}:
            ready = _conditions(after).get(ConditionType.READY, {})
            result = "failed" if ready.get("reason") == Reason.EVALUATION_FAILED else "ok"
            self._keep(whose, self._evaluations, result)
            self._evaluations.labels(*whose, result).inc()
        known = {past["id"] for past in _history(before)}
        for past in _history(after):
            if past["id"] not in known and past["result"] in _RESULTS:
                self._keep(whose, self._retrainings, past["result"])
                self._retrainings.labels(*whose, past["result"]).inc()

    def _show(self, whose: Whose, status: Object) -> None:
        """Show a status, and take away what it says no more."""
        gauges = {series for series in self._series.get(whose, set()) if isinstance(series[0], Gauge)}
        shown = dict(self._values(status))
        for gauge, labels in gauges - set(shown):
            gauge.remove(*whose, *labels)
            self._series[whose].discard((gauge, labels))
        for (gauge, labels), value in shown.items():
            self._keep(whose, gauge, *labels)
            gauge.labels(*whose, *labels).set(value)

    def _values(self, status: Object) -> list[tuple[tuple[Gauge, tuple[str, ...]], float]]:
        values: list[tuple[tuple[Gauge, tuple[str, ...]], float]] = []
        for kind, condition in _conditions(status).items():
            if kind in _CONDITIONS and condition["status"] != "Unknown":
                values.append(((self._condition, (kind,)), float(condition["status"] == "True")))
        verdict, window = status.get("verdict"), status.get("window")
        if verdict:
            values += [((self._state, (str(s),)), float(s == verdict["state"])) for s in State]
            values.append(((self._looked, ()), datetime.fromisoformat(verdict["at"]).timestamp()))
            values += [
                ((self._found, (found["column"], found["test"])), ratio)
                for found in verdict.get("top", [])[:COLUMNS]
                if (ratio := _ratio(found)) is not None
            ]
        if window:
            values.append(((self._rows, ()), float(window["rows"])))
            values.append(((self._labels, ()), float(window["labelCoverage"])))
        return values

    def _keep(self, whose: Whose, metric: Gauge | Counter, *labels: str) -> None:
        self._series.setdefault(whose, set()).add((metric, labels))

    def _forget(self, whose: Whose) -> None:
        for metric, labels in self._series.pop(whose, set()):
            metric.remove(*whose, *labels)


def _status(monitor: Object) -> Object:
    return monitor.get("status") or {}


def _conditions(status: Object) -> dict[str, Object]:
    return {condition["type"]: condition for condition in status.get("conditions") or []}


def _history(status: Object) -> list[Object]:
    past: list[Object] = (status.get("retrain") or {}).get("history") or []
    return past


def _ratio(found: Object) -> float | None:
    """How many times the limit; None where the limit is no amount to be a multiple of."""
    try:
        effect, limit = float(found["effect"]), float(found["limit"])
    except ValueError:
        return None
    return effect / limit if limit else None
