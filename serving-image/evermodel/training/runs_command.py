"""`evermodel runs`: what the store remembers of runs. Quick: no library that computes is imported."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from evermodel.artifact.layout import CARD, EDA_PAGE, QUARANTINE
from evermodel.errors import DataError, RunError, SpecError
from evermodel.training.memory import (
    PastRun,
    read_document,
    read_mirrored,
    read_run,
    read_runs,
    trainings,
    unfinished_runs,
)
from evermodel.training.text import paint_for_output


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare its arguments."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    listing = verbs.add_parser("list", help="one line for each run", description="One line for each run.")
    listing.add_argument("training", nargs="?", metavar="TRAINING", help="name of a ModelTraining; all when not given")
    show = verbs.add_parser("show", help="everything about one run", description="Everything about one run.")
    show.add_argument("name", metavar="RUN", help="a run, such as heart-4")
    show.add_argument("--trials", action="store_true", help="every trial, and not only the best ten")
    show.add_argument("--quarantine", metavar="FILE", help="write the wrong rows to this .csv or .parquet")
    show.add_argument("--card", metavar="FILE", help="write the model card (HTML)")
    show.add_argument("--eda", metavar="FILE", help="write the report on the data (HTML)")
    compare = verbs.add_parser("compare", help="what differs between runs", description="What differs between runs.")
    compare.add_argument("names", nargs="+", metavar="RUN", help="two runs or more; scores are compared to the first")
    compare.add_argument("--html", metavar="FILE", help="write a page")
    for verb in (listing, show, compare):
        verb.add_argument("--store", required=True, metavar="DIR", help="artifact store: a directory or an fsspec URL")
        verb.add_argument("--json", action="store_true", help="print one JSON document")


def run(arguments: argparse.Namespace) -> int:
    """Do it; the exit code.

    Raises:
        DataError: `VersionNotFound`, `RecordInvalid`.
        RunError: `StoreUnavailable`, `Crashed` when a file cannot be written.
    """
    verbs = {"list": _list, "show": _show, "compare": _compare}
    verbs[arguments.verb](arguments)
    return 0


def _list(arguments: argparse.Namespace) -> None:
    from evermodel.training.runs_list import run_entries, runs_text  # noqa: PLC0415  each verb needs its own only

    names = trainings(arguments.store)
    if arguments.training is not None:
        if arguments.training not in names:
            raise DataError(
                "VersionNotFound",
                f"the store {arguments.store} has no run of {arguments.training}; it has {', '.join(names) or 'none'}",
            )
        names = [arguments.training]
    finished = [past for name in names for past in read_runs(arguments.store, name)]
    unfinished = [(name, number) for name in names for number in unfinished_runs(arguments.store, name)]
    entries = run_entries(finished, unfinished)
    if arguments.json:
        _print_json(entries)
    else:
        _print(runs_text(entries, paint_for_output()) or [f"The store {arguments.store} has no runs."])


def _show(arguments: argparse.Namespace) -> None:
    from evermodel.training.runs_show import show_text  # noqa: PLC0415

    past = read_run(arguments.store, arguments.name)
    wrote = _write_documents(past, arguments)
    mirrored = read_mirrored(past.store, past.training, past.run)
    if arguments.json:
        document = {"record": past.record.dump(), "ledger": past.needed_ledger().dump(), "documents": past.documents()}
        _print_json(document | {"mirrored": mirrored.dump() if mirrored else None})
    elif wrote:
        _print(wrote)
    else:
        _print(show_text(past, mirrored, paint_for_output(), all_trials=arguments.trials))


def _write_documents(past: PastRun, arguments: argparse.Namespace) -> list[str]:
    wrote = []
    for name, target in ((CARD, arguments.card), (EDA_PAGE, arguments.eda)):
        if target is not None:
            wrote.append(_write(Path(target), read_document(past, name)))
    if arguments.quarantine is not None:
        target = Path(arguments.quarantine)
        if target.suffix not in (".csv", ".parquet"):
            raise SpecError("WrongUsage", f"--quarantine {target}: name a file that ends in .csv or .parquet")
        content = read_document(past, QUARANTINE)
        wrote.append(_write(target, _as_csv(content) if target.suffix == ".csv" else content))
    return wrote


def _as_csv(parquet: bytes) -> bytes:
    import pyarrow as pa  # noqa: PLC0415  only who asks for CSV waits for it
    import pyarrow.csv  # noqa: PLC0415
    import pyarrow.parquet  # noqa: PLC0415

    sink = pa.BufferOutputStream()
    pyarrow.csv.write_csv(pyarrow.parquet.read_table(pa.BufferReader(parquet)), sink)
    encoded: bytes = sink.getvalue().to_pybytes()
    return encoded


def _compare(arguments: argparse.Namespace) -> None:
    from evermodel.training.compare import compare_ledgers  # noqa: PLC0415
    from evermodel.training.compare_text import comparison_text  # noqa: PLC0415

    if len(set(arguments.names)) < 2:
        raise SpecError(
            "WrongUsage", "name two different runs or more, such as: evermodel runs compare heart-3 heart-4"
        )
    ledgers = [read_run(arguments.store, name).needed_ledger() for name in dict.fromkeys(arguments.names)]
    comparison = compare_ledgers(ledgers)
    if arguments.html is not None:
        from evermodel.training.compare_page import comparison_page  # noqa: PLC0415

        wrote = _write(Path(arguments.html), comparison_page(comparison, ledgers).encode())
        if not arguments.json:
            _print([wrote])
            return
    if arguments.json:
        _print_json(comparison.model_dump(mode="json", by_alias=True))
    else:
        _print(comparison_text(comparison, paint_for_output()))


def _write(path: Path, content: bytes) -> str:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise RunError("Crashed", f"{path} cannot be written: {error.strerror}; name another file") from error
    return f"{path} ({len(content):,} bytes)"


def _print(lines: list[str]) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))


def _print_json(document: Any) -> None:
    sys.stdout.write(f"{json.dumps(document)}\n")
