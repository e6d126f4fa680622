"""One thread, where the number of threads would be seen in the last bits of a number, or in more than those.

BLAS adds up in other orders with other numbers of threads. Among neighbours at equal distances scikit-learn takes
those that the first thread found, so that a model of neighbours answers otherwise on a machine with more cores.
"""

import sys
from contextlib import AbstractContextManager
from functools import lru_cache

from threadpoolctl import ThreadpoolController

_NATIVE = ("lightgbm", "numpy", "scipy.linalg", "sklearn", "sklearn.utils._openmp_helpers", "xgboost")
"""Modules that bring libraries with threads of their own."""


def one_thread() -> AbstractContextManager[object]:
    """Compute with one thread in this thread of Python.

    BLAS stays so for the whole process, since its limit cannot be set for one thread alone. Takes about 20
    microseconds.
    """
    controller = _controller(frozenset(name for name in _NATIVE if name in sys.modules))
    one_thread_of_blas()
    limiter: AbstractContextManager[object] = controller.select(user_api="openmp").limit(limits=1)
    return limiter


def one_thread_of_blas() -> None:
    """Let BLAS compute with one thread from now on, and leave OpenMP as it is."""
    controller = _controller(frozenset(name for name in _NATIVE if name in sys.modules))
    controller.select(user_api="blas").limit(limits=1)


@lru_cache(maxsize=8)
def _controller(loaded: frozenset[str]) -> ThreadpoolController:
    """The native libraries of this process; looked for again when more modules were loaded."""
    del loaded
    return ThreadpoolController()
