"""Evaluations without a cluster: the state machine runs over window files, oldest first."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from evermodel.monitoring.evaluate import evaluate
from evermodel.monitoring.findings import Subject
from evermodel.monitoring.retraining import MEMORY_OF_REQUESTS
from evermodel.monitoring.window import Window
from evermodel_api.base import parse_duration
from evermodel_api.monitor import Memory, Situation


def replay(subject: Subject, windows: Iterable[Window], start: datetime) -> list[dict[str, Any]]:
    """The document of each window.

    A file has no clock: the first window is looked at in the moment `start`, each other `schedule.every` after the one
    before it. Cooldown and budget are counted in that time.

    Raises:
        SpecError: `MetricUnsuited`, `MetricNotMeasured`.
    """
    memory, now, documents, asked = Memory(), start, [], list[datetime]()
    for window in windows:
        evaluation = evaluate(subject, window, memory, now, Situation(asked=asked[-MEMORY_OF_REQUESTS:]))
        documents.append(evaluation.document)
        memory = evaluation.outcome.memory or memory
        if evaluation.outcome.retrain is not None:
            asked.append(now)
        now += parse_duration(subject.spec.schedule.every)
    return documents


def summary(documents: list[dict[str, Any]]) -> dict[str, Any]:
    """One window's document as it is; of several the list, with counts of alerts and of retrainings asked for."""
    if len(documents) == 1:
        return documents[0]
    decisions = [document["decision"] for document in documents]
    return {
        "windows": documents,
        "alerts": sum(decision["alert"] for decision in decisions),
        "retrains": sum(decision["retrain"] for decision in decisions),
    }
