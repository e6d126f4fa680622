"""Memory after an OOM kill: how much the next run gets. Pure arithmetic on Kubernetes quantities."""

import math
import re
from collections.abc import Iterable
from decimal import Decimal

from evermodel_api.base import Resources
from evermodel_api.reasons import Reason
from evermodel_api.training import OutOfMemory, PastRun, RunSettings

_UNITS = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "": Decimal(1),
    **{unit: Decimal(1000) ** power for power, unit in enumerate("kMGTPE", 1)},
    **{f"{unit}i": Decimal(1024) ** power for power, unit in enumerate("KMGTPE", 1)},
}
_MEBIBYTE = 1024**2
_LARGEST_EXPONENT = 18
"""Kubernetes keeps quantities in 63 bits."""


def bytes_of(quantity: str) -> int | None:
    """A quantity of memory in bytes, rounded up; None where it is no number, or none that Kubernetes can keep.

    >>> bytes_of("512Mi"), bytes_of("1.5G"), bytes_of("1e3"), bytes_of("1E")
    (536870912, 1500000000, 1000, 1000000000000000000)
    """
    number, unit = re.fullmatch(r"(.*?)([A-Za-z]*)", quantity, re.DOTALL).groups()  # type: ignore[union-attr]
    try:
        value = Decimal(number) * _UNITS[unit]
    except (ArithmeticError, KeyError):
        return None
    return math.ceil(value) if value.is_finite() and value.adjusted() <= _LARGEST_EXPONENT else None


def larger(limit: str | None, oom: OutOfMemory) -> str | None:
    """The limit after `limit` was too little, in whole MiB; None when run.oom.max was reached, or it is not known."""
    used, most = bytes_of(limit or ""), bytes_of(oom.max)
    if used is None or most is None or used >= most:
        return None
    raised = math.ceil(used * oom.factor / _MEBIBYTE)
    return oom.max if raised * _MEBIBYTE >= most else f"{raised}Mi"


def memory_for(run: RunSettings, spec_digest: str, runs: Iterable[PastRun]) -> str | None:
    """The memory limit of the next run where it is more than the spec says, else None.

    What was found to be needed is kept until the spec changes, or else each run would have to be killed once before it
    gets what it needs. `runs` are those that ended, newest first.
    """
    if run.oom is None:
        return None
    known = next((past for past in runs if past.spec_digest == spec_digest and past.memory is not None), None)
    if known is None:
        return None
    wanted = known.memory
    if known.reason == Reason.OUT_OF_MEMORY:
        wanted = larger(known.memory, run.oom) or known.memory
    needed, most = bytes_of(wanted or ""), bytes_of(run.oom.max)
    given = bytes_of(run.resources.limits.get("memory", ""))
    if needed is None or most is None or given is None or min(needed, most) <= given:
        return None
    return wanted if needed <= most else run.oom.max


def resources_for(run: RunSettings, memory: str | None) -> Resources:
    """What the run's pods ask for and may use; `memory` as of `memory_for`."""
    if memory is None:
        return run.resources
    return Resources(
        requests={**run.resources.requests, "memory": memory}, limits={**run.resources.limits, "memory": memory}
    )
