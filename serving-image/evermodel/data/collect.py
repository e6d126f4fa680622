"""The first phase of a run: rows from all sources, brought together to one frame."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pyarrow as pa

from evermodel.data.batches import table_frame
from evermodel.data.plan import check_steps, needed
from evermodel.data.source import Source, open_source
from evermodel_api.training import CombineStep, Data
from evermodel_api.training import Source as SourceSpec

_TOLD_SECONDS = 10.0


@dataclass(frozen=True)
class SourceRead:
    """What one source gave."""

    name: str
    rows: int
    seconds: float


@dataclass(frozen=True)
class Collected:
    """The raw rows of a run."""

    frame: pd.DataFrame
    sources: list[SourceRead]
    """Those that were read, in the order of the spec."""


def collect(
    data: Data, as_of: datetime, secrets: Path, scratch: Path, memory_limit: int | None, say: Callable[[str], None]
) -> Collected:
    """Read the sources and combine them.

    One source without combine goes straight to a frame. Otherwise sources are kept in the scratch space and combined
    there, so that no more than the result, a few batches and `memory_limit` are in memory.

    Args:
        data: what to read, and how to bring it together.
        as_of: when the run began.
        secrets: directory of the Secrets, `<secret>/<key>` below it.
        scratch: a directory for what is needed meanwhile; nothing stays in it.
        memory_limit: bytes that combining may use; half of the pod's memory when None.
        say: is told one sentence for each source, and every ten seconds while a source is read.

    Raises:
        SpecError: `CombineInvalid` before anything is read where that can be seen, and what sources raise.
        DataError, RunError: what sources and `combine` raise; `ScratchFull`.
    """
    names = [source.name for source in data.sources]
    check_steps(names, data.combine)
    if not data.combine:
        return _straight(data.sources[0], as_of, secrets, say)
    used, _ = needed(names, data.combine)
    for name in names:
        if name not in used:
            say(f"source {name!r} is not read: the last step of combine needs nothing of it")
    # A wrong Secret of the last source is told before the first one is read.
    sources = {source.name: open_source(source, as_of, secrets) for source in data.sources if source.name in used}
    scratch.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=scratch, prefix="collect-") as folder:
        return _combined(data.combine, sources, Path(folder), memory_limit, say)


def _straight(source: SourceSpec, as_of: datetime, secrets: Path, say: Callable[[str], None]) -> Collected:
    began = time.monotonic()
    frame = open_source(source, as_of, secrets).frame()
    return Collected(frame, [_told(source.name, len(frame), began, say)])


def _combined(
    steps: Sequence[CombineStep],
    sources: Mapping[str, Source],
    folder: Path,
    memory_limit: int | None,
    say: Callable[[str], None],
) -> Collected:
    from evermodel.data.combine import combine  # noqa: PLC0415  DuckDB is only needed here
    from evermodel.data.spool import spool  # noqa: PLC0415

    spooled, read = {}, []
    for i, (name, source) in enumerate(sources.items()):
        began = time.monotonic()
        spooled[name] = spool(_counted(name, source.batches(), say), folder / f"s{i}")
        read.append(_told(name, spooled[name].rows, began, say))
    table = combine(spooled, steps, folder / "combine", memory_limit)
    say(f"combined: {table.num_rows} rows, {table.num_columns} columns")
    return Collected(table_frame(table), read)


def _told(name: str, rows: int, began: float, say: Callable[[str], None]) -> SourceRead:
    seconds = round(time.monotonic() - began, 3)
    say(f"source {name!r}: {rows} rows in {seconds:.1f} s")
    return SourceRead(name, rows, seconds)


def _counted(name: str, batches: Iterator[pa.RecordBatch], say: Callable[[str], None]) -> Iterator[pa.RecordBatch]:
    rows, last = 0, time.monotonic()
    for batch in batches:
        rows += batch.num_rows
        if time.monotonic() - last >= _TOLD_SECONDS:
            last = time.monotonic()
            say(f"source {name!r}: {rows} rows so far")
        yield batch
