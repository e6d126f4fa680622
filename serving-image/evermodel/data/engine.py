"""DuckDB as it is used here: on disk below one folder, within a limit of memory, without a network."""

# ruff: noqa: S608  SQL comes from modules that build it of numbers and names of our own

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from evermodel.data.spool import scratch_told
from evermodel.errors import RunError

_LEAST_MEMORY = 128 << 20
_SHARE = 0.5
_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
_QUOTA = Path("/sys/fs/cgroup/cpu.max")


class Engine:
    """Runs SQL that was built of numbers and names of our own.

    Args:
        folder: where tables, and what does not fit into memory, are kept.
        memory_limit: bytes; half of what the pod, or the machine, has when None.

    Raises:
        RunError: `OutOfMemory` or `ScratchFull`, from every method.
    """

    def __init__(self, folder: Path, memory_limit: int | None) -> None:
        self._folder = folder
        self._limit = max(memory_limit or int(available_memory() * _SHARE), _LEAST_MEMORY)
        folder.mkdir(parents=True, exist_ok=True)
        configuration: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": f"{self._limit // (1 << 20)}MiB",
            "temp_directory": str(folder / "overflow"),
            "threads": str(threads()),
            "preserve_insertion_order": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
        with self._told():
            self._connection = duckdb.connect(str(folder / "tables.duckdb"), config=configuration)
            self._connection.execute("SET TimeZone = 'UTC'")

    def close(self) -> None:
        """Let go of its files."""
        self._connection.close()

    def first_row(self, sql: str) -> tuple[Any, ...] | None:
        """The first row of what a query gives; None when it gives none."""
        with self._told():
            return self._connection.execute(sql).fetchone()

    def run(self, sql: str) -> None:
        """Run a statement."""
        with self._told():
            self._connection.execute(sql)

    def table(self, sql: str) -> pa.Table:
        """All that a query gives, in an order that follows from its content."""
        with self._told():
            # Without it DuckDB gathers sorted rows in the order in which its threads are ready.
            self._connection.execute("SET preserve_insertion_order = true")
            return self._connection.sql(f"SELECT * FROM ({sql}) ORDER BY ALL").to_arrow_table()

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            with scratch_told(self._folder / "tables.duckdb"):
                yield
        except duckdb.OutOfMemoryException as error:
            if "max_temp_directory_size" in str(error):
                raise self._full() from None
            raise RunError(
                "OutOfMemory",
                f"data.combine needs more than the {self._limit >> 20} MiB that it may use, half of the pod's memory "
                "by itself; give the run more in run.resources.limits.memory",
            ) from None
        except duckdb.IOException as error:
            if "No space left" not in str(error) and "Disk quota" not in str(error):
                raise
            raise self._full() from None

    def _full(self) -> RunError:
        return RunError(
            "ScratchFull",
            f"the scratch space at {self._folder} is full; give the run's pod more of it (ephemeral-storage in "
            "run.resources), or read less with a narrower query",
        )


def threads() -> int:
    """Threads that this process may keep busy: OMP_NUM_THREADS, its processors, and the container's quota of them."""
    said = os.environ.get("OMP_NUM_THREADS", "")
    allowed = [len(os.sched_getaffinity(0))]
    if said.isdecimal() and int(said) > 0:
        allowed.append(int(said))
    quota, _, period = _read(_QUOTA).partition(" ")
    if quota.isdecimal() and period.isdecimal():
        allowed.append(max(1, -(-int(quota) // int(period))))
    return min(allowed)


def available_memory() -> int:
    """Bytes that this process may use: the container's limit, or the machine's memory."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    said = [_read(Path(path)) for path in _LIMITS]
    return min([machine, *(int(text) for text in said if text.isdecimal())])


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
