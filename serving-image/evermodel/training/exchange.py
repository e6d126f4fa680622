"""Asking a model in another image: rows go into a directory that two containers share, answers come out.

The champion's pod image may be years older than the challenger's, so the form is small and has a version of its own:
`rows.parquet`, then `question.json` (written whole, last); `answers.parquet`, then `answers.json`.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from evermodel.artifact.signature import ClassLabel
from evermodel.errors import RunError
from evermodel.metrics import Floats
from evermodel_api.version import Artifact

FORMAT = "evermodel-exchange/1"
_ROWS, _QUESTION = "rows.parquet", "question.json"
_TABLE, _ANSWERS = "answers.parquet", "answers.json"
_POLL_SECONDS = 0.1
PATIENCE_SECONDS = 300.0
"""How long an answer may take, the start of the other container included."""


@dataclass(frozen=True)
class Question:
    """What is asked."""

    artifact: Artifact
    rows: pd.DataFrame
    """Raw columns."""


@dataclass(frozen=True)
class Reply:
    """What was answered."""

    task: str
    target: str
    classes: list[ClassLabel]
    predicted: Floats
    """Shape (rows,): class numbers or numbers."""
    probabilities: Floats | None
    """Shape (rows, classes)."""


def ask(directory: Path, question: Question, patience: float = PATIENCE_SECONDS) -> Reply:
    """Put a question into the directory and wait for its answer.

    Raises:
        RunError: `ChampionSilent` when no answer comes in time, or the other side says why it cannot answer.
    """
    directory.mkdir(parents=True, exist_ok=True)
    for name in (_QUESTION, _ANSWERS):
        (directory / name).unlink(missing_ok=True)
    question.rows.to_parquet(directory / _ROWS)
    _write(directory / _QUESTION, {"format": FORMAT, "artifact": question.artifact.dump()})
    answered = directory / _ANSWERS
    if not _appears(answered, patience):
        raise RunError(
            "ChampionSilent",
            f"its container gave no answer in {patience:.0f} s; look at the logs of the container champion",
        )
    document = json.loads(answered.read_text())
    if "trouble" in document:
        raise RunError("ChampionSilent", str(document["trouble"]))
    table = pd.read_parquet(directory / _TABLE)
    probabilities = [column for column in table.columns if column != "predicted"]
    return Reply(
        task=document["task"],
        target=document["target"],
        classes=document["classes"],
        predicted=table["predicted"].to_numpy(np.float64),
        probabilities=table[probabilities].to_numpy(np.float64) if probabilities else None,
    )


def reply(directory: Path, answer: Callable[[Question], Reply]) -> bool:
    """Answer the question that lies in the directory; False when there is none."""
    asked = directory / _QUESTION
    if not asked.is_file() or (directory / _ANSWERS).exists():
        return False
    try:
        found = answer(_read_question(directory))
    except Exception as error:  # noqa: BLE001  whatever it is, the one who asked has to be told
        _write(directory / _ANSWERS, {"trouble": str(error) or type(error).__name__})
        return True
    columns: dict[str, Any] = {"predicted": found.predicted}
    if found.probabilities is not None:
        columns |= {f"p{i}": found.probabilities[:, i] for i in range(found.probabilities.shape[1])}
    pd.DataFrame(columns).to_parquet(directory / _TABLE)
    _write(directory / _ANSWERS, {"task": found.task, "target": found.target, "classes": found.classes})
    return True


def _read_question(directory: Path) -> Question:
    document = json.loads((directory / _QUESTION).read_text())
    if document.get("format") != FORMAT:
        raise ValueError(f"the question has the form {document.get('format')} and this image knows {FORMAT}")
    return Question(Artifact.model_validate(document["artifact"]), pd.read_parquet(directory / _ROWS))


def _appears(path: Path, patience: float) -> bool:
    ends = time.monotonic() + patience
    while not path.is_file():
        if time.monotonic() > ends:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def _write(path: Path, document: dict[str, Any]) -> None:
    """Whole or not at all: the other side looks at any moment."""
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(document))
    temporary.replace(path)
