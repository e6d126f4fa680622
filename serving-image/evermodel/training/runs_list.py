"""`evermodel runs list`: one line for each run."""

from collections.abc import Iterable, Sequence
from typing import Any

from evermodel.training.memory import PastRun, fold_score, objective_of
from evermodel.training.text import (
    Column,
    Paint,
    count_text,
    score_text,
    seconds_text,
    short_digest,
    table,
)

_KEYS = (
    *("run", "training", "number", "asOf", "outcome", "algorithm", "objective", "foldScore", "testScore", "metrics"),
    *("rows", "seconds", "cpuSeconds", "dataDigest", "artifact", "champion", "message"),
)
_LONGEST_NAME = 14
"""A longer one stands in the heading only."""
_COLUMNS = (
    Column("RUN"),
    Column("WHEN"),
    Column("OUTCOME"),
    Column("ALGORITHM", shrinks=True),
    Column("SCORE"),
    Column("FOLDS", right=True),
    Column("TEST", right=True),
    Column("ROWS", right=True),
    Column("SEC", right=True),
    Column("CPU", right=True),
    Column("DATA"),
    Column("MET", shrinks=True),
)


def run_entries(finished: Iterable[PastRun], unfinished: Iterable[tuple[str, int]]) -> list[dict[str, Any]]:
    """The list for programs, newest first in each training: nothing is cut, and what is not known is null.

    Args:
        finished: runs with a record.
        unfinished: training and number of the others.
    """
    entries = [_entry(run) for run in finished]
    entries += [_unfinished_entry(training, number) for training, number in unfinished]
    return sorted(entries, key=lambda entry: (entry["training"], -entry["number"]))


def _entry(run: PastRun) -> dict[str, Any]:
    record, ledger = run.record, run.ledger
    known: dict[str, Any] = {
        **dict.fromkeys(_KEYS),
        "run": run.name,
        "training": run.training,
        "number": run.run,
        "outcome": str(record.outcome),
        "algorithm": record.algorithm,
        "metrics": record.metrics,
        "rows": record.rows,
        "seconds": record.seconds,
        "dataDigest": record.data_digest,
        "artifact": record.artifact.digest if record.artifact else None,
        "message": record.message,
    }
    if ledger is None:
        return known
    objective = objective_of(ledger)
    return known | {
        "asOf": ledger.dump()["asOf"],
        "objective": objective,
        "foldScore": fold_score(ledger),
        "testScore": ledger.metrics.get(objective),
        "cpuSeconds": ledger.cpu_seconds,
        "champion": ledger.champion,
    }


def _unfinished_entry(training: str, number: int) -> dict[str, Any]:
    return {
        **dict.fromkeys(_KEYS),
        "run": f"{training}-{number}",
        "training": training,
        "number": number,
        "outcome": "Unfinished",
        "metrics": {},
        "message": "It failed, or it is still at work.",
    }


def runs_text(entries: Sequence[dict[str, Any]], paint: Paint) -> list[str]:
    """The list for people: a table for each training.

    Args:
        entries: what `run_entries` gave.
        paint: colours.
    """
    lines: list[str] = []
    for training in dict.fromkeys(entry["training"] for entry in entries):
        mine = [entry for entry in entries if entry["training"] == training]
        lines += ["", *_training_lines(training, mine, paint)]
    return lines[1:]


def _training_lines(training: str, entries: Sequence[dict[str, Any]], paint: Paint) -> list[str]:
    objectives = {entry["objective"] for entry in entries if entry["objective"]}
    only = objectives.pop() if len(objectives) == 1 else None
    scored = f", scores are {only}" if only else ""
    count = f"{len(entries)} run{'s' if len(entries) > 1 else ''}"
    heading = paint(f"{training}: {count}{scored}", "bold")
    return [heading, *table(_COLUMNS, [_cells(entry, only) for entry in entries], paint)]


def _cells(entry: dict[str, Any], only: str | None) -> tuple[str, ...]:
    objective = entry["objective"] or ""
    return (
        entry["run"] if len(entry["run"]) <= _LONGEST_NAME else f"…-{entry['number']}",
        (entry["asOf"] or "")[:16].replace("T", " "),
        entry["outcome"],
        entry["algorithm"] or "",
        "" if objective == only else objective,
        score_text(entry["foldScore"]),
        score_text(entry["testScore"]),
        count_text(entry["rows"]),
        seconds_text(entry["seconds"]),
        seconds_text(entry["cpuSeconds"]),
        short_digest(entry["dataDigest"]),
        (entry["champion"] or "").removeprefix(f"{entry['training']}-"),
    )
