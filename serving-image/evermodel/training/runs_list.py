"""`evermodel runs list`: one line for each finished run."""

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


def runs_document(runs: Iterable[PastRun]) -> list[dict[str, Any]]:
    """The list for programs: nothing is cut, and what is not known is null."""
    return [_entry(run) for run in runs]


def _entry(run: PastRun) -> dict[str, Any]:
    record, ledger = run.record, run.ledger
    known: dict[str, Any] = {
        "run": run.name,
        "training": run.training,
        "number": run.run,
        "asOf": None,
        "outcome": str(record.outcome),
        "algorithm": record.algorithm,
        "objective": None,
        "foldScore": None,
        "testScore": None,
        "metrics": record.metrics,
        "rows": record.rows,
        "seconds": record.seconds,
        "cpuSeconds": None,
        "dataDigest": record.data_digest,
        "artifact": record.artifact.digest if record.artifact else None,
        "champion": None,
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


def runs_text(runs: Sequence[PastRun], paint: Paint) -> list[str]:
    """The list for people: a table for each training, newest run first."""
    lines: list[str] = []
    for training in dict.fromkeys(run.training for run in runs):
        mine = [run for run in runs if run.training == training]
        lines += ["", *_training_lines(training, mine, paint)]
    return lines[1:]


def _training_lines(training: str, runs: Sequence[PastRun], paint: Paint) -> list[str]:
    objectives = {objective_of(run.ledger) for run in runs if run.ledger}
    only = objectives.pop() if len(objectives) == 1 else None
    scored = f", scores are {only}" if only else ""
    count = f"{len(runs)} run{'s' if len(runs) > 1 else ''}"
    return [paint(f"{training}: {count}{scored}", "bold"), *table(_COLUMNS, [_cells(run, only) for run in runs], paint)]


def _cells(run: PastRun, only: str | None) -> tuple[str, ...]:
    entry = _entry(run)
    objective = entry["objective"] or ""
    return (
        run.name if len(run.name) <= _LONGEST_NAME else f"…-{run.run}",
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
        (entry["champion"] or "").removeprefix(f"{run.training}-"),
    )
