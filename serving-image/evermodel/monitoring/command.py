"""`evermodel monitor`: one evaluation in a pod (--order), or windows of local files (-f)."""

import argparse
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from evermodel.errors import SpecError
from evermodel.pod import obey
from evermodel_api.reasons import Reason
from evermodel_api.runs import TERMINATION_LOG, Exit, MonitorOrder, MonitorOutcome

DEFAULT_START = "2000-01-01T00:00:00Z"
"""Fixed, so that the same files give the same document."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare its arguments."""
    verbs = parser.add_subparsers(dest="verb", metavar="VERB")
    check = verbs.add_parser("verify", help="compute a report again, and compare", description="Compute it again.")
    check.add_argument("report", metavar="REPORT", help="path or URI of a report's JSON")
    check.add_argument("--store", metavar="DIR", help="where the store is now, if not where the report says")
    check.add_argument("--json", action="store_true", help="print one JSON document")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("-f", "--file", metavar="FILE", help="YAML file with the DriftMonitor; windows are local files")
    what.add_argument("--order", metavar="FILE", help="a pod's order: the prediction log in the store is looked at")
    parser.add_argument("--store", metavar="DIR", help="artifact store: a directory or an fsspec URL")
    parser.add_argument(
        "--window",
        action="append",
        default=[],
        metavar="FILE",
        help="CSV or Parquet with the training's features; several, oldest first, are one evaluation each",
    )
    parser.add_argument("--labels", metavar="FILE", help="CSV or Parquet with the target, joined on the id column")
    parser.add_argument("--id-column", default="id", metavar="NAME", help="column that labels are joined on (id)")
    parser.add_argument(
        "--model",
        metavar="NAME",
        help="model, version or artifact to judge; the deploymentRef's name when not given",
    )
    parser.add_argument(
        "--start",
        default=DEFAULT_START,
        metavar="TIME",
        help=f"moment of the first window ({DEFAULT_START}); each other is schedule.every later",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument(
        "--termination-log", default=TERMINATION_LOG, metavar="FILE", help="where the outcome is written"
    )


def run(arguments: argparse.Namespace) -> int:
    """Do it; the exit code.

    Raises:
        RunError: when the evaluation cannot be done; the outcome then says so too.
    """
    if arguments.verb == "verify":
        return _verify(arguments)
    if not arguments.order and not arguments.file:
        raise SpecError("WrongUsage", "give -f FILE with a DriftMonitor, --order FILE, or a verb: verify REPORT")
    return _run_order(arguments) if arguments.order else _run_files(arguments)


def _verify(arguments: argparse.Namespace) -> int:
    """0 when the report is what its inputs lead to, 3 when not."""
    from evermodel.monitoring.verify import verify  # noqa: PLC0415  `--help` needs none of it

    found = verify(arguments.report, arguments.store)
    if arguments.json:
        _print(json.dumps({"same": found.same, "differences": found.differences}))
    else:
        _print("The report is what its inputs lead to." if found.same else "\n".join(found.differences))
    return 0 if found.same else int(Exit.DATA_WRONG)


def _run_order(arguments: argparse.Namespace) -> int:
    def work(order: MonitorOrder) -> MonitorOutcome:
        from evermodel.monitoring.lean import leave_pandas_out  # noqa: PLC0415  only once the order is known to be one
        from evermodel.monitoring.order import run_order  # noqa: PLC0415

        leave_pandas_out()
        return run_order(order)

    outcome = obey(Path(arguments.order), MonitorOrder, Path(arguments.termination_log), work, _failed)
    _print(json.dumps(outcome.dump()) if arguments.json else f"{outcome.state}: {outcome.message}")
    return 0


def _failed(reason: Reason, message: str) -> MonitorOutcome:
    return MonitorOutcome(failed=True, message=message, reason=reason)


def _run_files(arguments: argparse.Namespace) -> int:
    for option, value in (("--store", arguments.store), ("--window", arguments.window)):
        if not value:
            raise SpecError("InvalidSpec", f"{option} is missing: with -f give --store DIR and --window FILE")
    start = _moment(arguments.start)
    documents = _evaluate_files(arguments, start)
    from evermodel.monitoring.replay import summary  # noqa: PLC0415

    if arguments.json:
        _print(json.dumps(summary(documents), allow_nan=False))
        return 0
    for file, document in zip(arguments.window, documents, strict=True):
        _print(f"{file}: {document['state']}. {document['message']} {document['decision']['reason']}")
    return 0


def _evaluate_files(arguments: argparse.Namespace, start: datetime) -> list[dict[str, Any]]:
    from evermodel.artifact.records import find_version  # noqa: PLC0415  `--help` and a wrong order need none of these
    from evermodel.monitoring.lean import leave_pandas_out  # noqa: PLC0415
    from evermodel.monitoring.local import LocalWindows  # noqa: PLC0415
    from evermodel.monitoring.look import wants_answers  # noqa: PLC0415
    from evermodel.monitoring.predictor import Predictor  # noqa: PLC0415
    from evermodel.monitoring.replay import replay  # noqa: PLC0415
    from evermodel.monitoring.spec import read_monitor  # noqa: PLC0415
    from evermodel.monitoring.subject import read_subject  # noqa: PLC0415
    from evermodel.monitoring.table_file import TableFile  # noqa: PLC0415

    _, spec = read_monitor(arguments.file)
    if spec.performance is None and not wants_answers(spec):
        leave_pandas_out()  # no model will be asked
    found = find_version(arguments.store, arguments.model or spec.deployment_ref.name)
    subject = read_subject(spec, found.name, found.uri, found.digest)
    windows = LocalWindows(
        signature=subject.signature,
        max_rows=spec.window.max_rows,
        excluded=frozenset(spec.drift.columns.exclude if spec.drift else ()),
        with_truth=spec.performance is not None,
        with_answers=wants_answers(spec),
        predict=Predictor(found.uri, found.digest, subject.signature),
        labels=TableFile(arguments.labels) if arguments.labels else None,
        id_column=arguments.id_column,
    )
    return replay(subject, map(windows.read, arguments.window), start)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise SpecError("InvalidSpec", f"--start {text!r} is no moment; write one like {DEFAULT_START}") from None
    return moment.replace(tzinfo=moment.tzinfo or UTC)


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
