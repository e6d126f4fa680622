"""`evermodel reproduce`: make an old version again and say whether it is the same."""

import argparse
import json
import sys
from pathlib import Path

from evermodel.errors import DataError
from evermodel.pod import obey
from evermodel_api.reasons import Reason
from evermodel_api.runs import SECRETS_DIRECTORY, TERMINATION_LOG, ReproduceOrder, ReproduceOutcome


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare its arguments."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("version", nargs="?", metavar="VERSION", help="the version, such as heart-4")
    what.add_argument("--order", metavar="FILE", help="a pod's order")
    parser.add_argument("--store", metavar="DIR", help="artifact store: a directory or an fsspec URL")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument(
        "--termination-log", default=TERMINATION_LOG, metavar="FILE", help="where the outcome is written"
    )


def run(arguments: argparse.Namespace) -> int:
    """Do it; the exit code: 0 also when the model is another one, which the outcome says."""
    if arguments.order:
        outcome = obey(Path(arguments.order), ReproduceOrder, Path(arguments.termination_log), _work, _failed)
        sys.stdout.write(f"{outcome.outcome}: {outcome.message}\n")
        return 0
    outcome = _work(_local_order(arguments), quiet=arguments.json)
    sys.stdout.write(f"{json.dumps(outcome.dump())}\n" if arguments.json else f"{outcome.outcome}: {outcome.message}\n")
    return 0


def _work(order: ReproduceOrder, *, quiet: bool = False) -> ReproduceOutcome:
    from evermodel.training.reproduce import reproduce  # noqa: PLC0415  scikit-learn is slow to import
    from evermodel.training.terminal import open_progress  # noqa: PLC0415

    with open_progress(quiet=quiet) as progress:
        return reproduce(order, Path(SECRETS_DIRECTORY), progress)


def _failed(reason: Reason, message: str) -> ReproduceOutcome:
    return ReproduceOutcome(outcome="Failed", message=message, reason=reason)


def _local_order(arguments: argparse.Namespace) -> ReproduceOrder:
    from evermodel.artifact.records import read_record  # noqa: PLC0415  a wrong call needs no store
    from evermodel.artifact.store import absolute_uri  # noqa: PLC0415

    store = absolute_uri(arguments.store or ".")
    training, _, run_number = str(arguments.version).rpartition("-")
    record = read_record(store, training, int(run_number)) if training and run_number.isdigit() else None
    if record is None or record.artifact is None:
        raise DataError(
            "VersionNotFound",
            f"the store {store} has no version {arguments.version}; name it as in `evermodel runs list`",
        )
    return ReproduceOrder(
        namespace="local",
        training=training,
        run=int(run_number),
        version=arguments.version,
        artifact=record.artifact,
        store=store,
    )
