"""What a fitted model is made of, and how many threads it answers with."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

_LIBRARIES = ("sklearn", "xgboost", "lightgbm", "evermodel")
_ONE_THREAD = {"n_jobs": 1, "_n_threads": 1, "n_threads": None}
"""Where models keep a number of threads, and what is kept there: one, or in the bins of HistGradientBoosting, which
refuse a number that the processor has not, what is there when they are used."""


def parts_of(model: Any) -> Iterator[Any]:
    """Every object of a machine learning library inside the model, itself first; each one once."""
    seen: set[int] = set()
    waiting = [model]
    while waiting:
        part = waiting.pop()
        if id(part) in seen or isinstance(part, str | bytes | bytearray | int | float | type(None)):
            continue
        seen.add(id(part))
        if isinstance(part, Mapping):
            waiting.extend(reversed(list(part.values())))
        elif isinstance(part, list | tuple | set | frozenset):
            waiting.extend(reversed(list(part)))
        elif isinstance(part, np.ndarray):
            if part.dtype == object:
                waiting.extend(reversed(part.ravel().tolist()))
        elif type(part).__module__.split(".")[0] in _LIBRARIES:
            yield part
            waiting.extend(reversed(getattr(part, "__dict__", {}).values()))


def answer_with_one_thread(model: Any) -> None:
    """Let a fitted model answer with one thread, however many fitted it, and forget how many those were.

    Forests add up what their trees say in the order in which threads come, which changes the last bits of an answer;
    and equal models must have equal bytes.
    """
    for part in parts_of(model):
        state = getattr(part, "__dict__", {})
        state.update({name: value for name, value in _ONE_THREAD.items() if name in state})
        if "n_jobs" in (more := state.get("_other_params", {})):
            more["n_jobs"] = 1
        if type(part).__module__ == "xgboost.core" and hasattr(part, "set_param"):
            part.set_param({"nthread": 1, "n_jobs": 1})
        # a function that BisectingKMeans needs while it is fitted and never again
        state.pop("_kmeans_single", None)
