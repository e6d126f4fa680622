"""What native libraries read from the environment when they are loaded: settled before the first of them is.

Never over what the environment says already.
"""

import os
import platform
from pathlib import Path

_CPU_INFO = Path("/proc/cpuinfo")
_SPINS = "1000"
"""How often a thread of GNU's OpenMP looks for work before it sleeps."""


def settle() -> None:
    """Settle what OpenMP and OpenBLAS do.

    OpenMP's threads would spin for long while they wait, which on cores that others use costs a hundred times what it
    gains; to sleep at once costs a third of a boosting's time where nobody else is there. A few microseconds are enough
    for what comes at once (docs/benchmarks.md).
    OpenBLAS has kernels for each kind of processor, which round otherwise: a model that is made on one node would not
    be the same to the bit on a newer one. One kernel for all that have AVX2 gives the same sums on each of them.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ["OMP_WAIT_POLICY"] = "passive"
        os.environ.setdefault("GOMP_SPINCOUNT", _SPINS)
    if has_avx2():
        os.environ.setdefault("OPENBLAS_CORETYPE", "Haswell")


def has_avx2(machine: str | None = None, cpu_info: Path = _CPU_INFO) -> bool:
    """Whether this is an x86 processor that can run OpenBLAS's kernel for Haswell."""
    if (machine or platform.machine()).lower() not in {"x86_64", "amd64"}:
        return False
    try:
        text = cpu_info.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    flags = next((line for line in text.splitlines() if line.startswith("flags")), "").split()
    return {"avx2", "fma"} <= set(flags)
