"""What a model costs beside its answers: the time of one answer and the size of its file."""

import statistics
import time
from collections.abc import Callable
from typing import Any

import pandas as pd

from evermodel.artifact.model import answer
from evermodel.artifact.signature import Signature

_ROWS = 50
_SECONDS = 2.0
_WARM_UP = 3


def latency_ms(
    model: Any, signature: Signature, frame: pd.DataFrame, clock: Callable[[], float] = time.perf_counter
) -> float:
    """Median time of one answer to one row, in milliseconds, after a few answers that do not count.

    At most 50 rows are asked, for at most two seconds: a model that is slow is known to be slow after three rows.
    """
    rows = [frame.iloc[[i]] for i in range(min(_ROWS, len(frame)))]
    for row in rows[:_WARM_UP]:
        answer(model, signature, row)
    took: list[float] = []
    ends = clock() + _SECONDS
    for row in rows:
        began = clock()
        answer(model, signature, row)
        took.append((clock() - began) * 1000)
        if clock() > ends:
            break
    return statistics.median(took)


def size_mb(content: bytes) -> float:
    """Size of the model file in megabytes (1,000,000 bytes)."""
    return len(content) / 1_000_000
