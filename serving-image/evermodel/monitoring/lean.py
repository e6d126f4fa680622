"""A monitoring pod starts once for each evaluation, so what it need not import it does not."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from types import ModuleType

_PANDAS = "pandas"


class _Absent:
    """An import finder for which pandas is not installed."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        del path, target
        if fullname == _PANDAS:
            raise ModuleNotFoundError(f"{_PANDAS} is left out here", name=fullname)
        return None


@contextmanager
def _absent() -> Iterator[None]:
    finder = _Absent()
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)


def leave_pandas_out() -> None:
    """Let Arrow work without pandas in this process.

    The first array that Arrow makes imports pandas where it is installed, only to be able to recognise its types; that
    takes longer than the evaluation, which has none of them. Arrow asks once, in its Python and in its C++ half, so it
    is made to ask while pandas cannot be found.

    For the entry of a process: whoever hands pandas objects to Arrow later must not share the process.
    """
    if _PANDAS in sys.modules:
        return
    import pyarrow as pa  # noqa: PLC0415  not needed where pandas is loaded already

    with _absent():
        pa.array([None])  # a Python value, for which both halves ask
