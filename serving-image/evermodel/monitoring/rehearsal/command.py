"""`evermodel rehearse`: in a pod (--order), or for a person who names two versions of a store."""

import argparse
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from evermodel.errors import SpecError
from evermodel.pod import obey
from evermodel_api.reasons import Reason
from evermodel_api.rehearsal import RehearsalLimits, RehearsalOrder, RehearsalOutcome
from evermodel_api.runs import TERMINATION_LOG
from evermodel_api.version import Artifact


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare its arguments."""
    limits = RehearsalLimits()
    parser.add_argument("candidate", nargs="?", metavar="VERSION", help="version that answers (heart-4)")
    parser.add_argument("--live", metavar="VERSION", help="version whose log is answered again (heart-3)")
    parser.add_argument("--deployment", metavar="NAME", help="whose log it is (the model's name when not given)")
    parser.add_argument("--store", metavar="DIR", help="artifact store: a directory or an fsspec URL")
    parser.add_argument("--rows", type=int, default=limits.rows, metavar="N", help="newest rows (%(default)s)")
    parser.add_argument(
        "--max-disagreement", type=float, default=limits.max_disagreement, metavar="SHARE", help="(%(default)s)"
    )
    parser.add_argument("--max-shift", type=float, default=limits.max_shift, metavar="DISTANCE", help="(no limit)")
    parser.add_argument(
        "--by", action="append", default=[], metavar="COLUMN", help="also in each level of this column; may be repeated"
    )
    parser.add_argument("--order", metavar="FILE", help="a pod's order")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument(
        "--termination-log", default=TERMINATION_LOG, metavar="FILE", help="where a pod's outcome is written"
    )


def run(arguments: argparse.Namespace) -> int:
    """Do it; the exit code is 0 also where the candidate is refused: `passed` says so.

    Raises:
        RunError: when it cannot be done.
    """
    if arguments.order:
        outcome = obey(Path(arguments.order), RehearsalOrder, Path(arguments.termination_log), _work, _failed)
    else:
        outcome = _work(_order(arguments))
    sys.stdout.write(f"{json.dumps(outcome.dump()) if arguments.json else outcome.message}\n")
    return 0


def _work(order: RehearsalOrder) -> RehearsalOutcome:
    from evermodel.monitoring.rehearsal.order import rehearse  # noqa: PLC0415  only once the order is known to be one

    return rehearse(order)


def _failed(reason: Reason, message: str) -> RehearsalOutcome:
    return RehearsalOutcome(failed=True, message=message, reason=reason)


def _order(arguments: argparse.Namespace) -> RehearsalOrder:
    from evermodel.artifact.manifest import SIGNATURE  # noqa: PLC0415
    from evermodel.artifact.records import find_version  # noqa: PLC0415  as above
    from evermodel.artifact.store import read_artifact  # noqa: PLC0415

    for name in ("candidate", "live", "store"):
        if not getattr(arguments, name):
            given = "VERSION" if name == "candidate" else f"--{name}"
            raise SpecError("WrongUsage", f"{given} is missing: evermodel rehearse heart-4 --live heart-3 --store DIR")
    found = {name: find_version(arguments.store, getattr(arguments, name)) for name in ("candidate", "live")}
    artifacts = {
        name: Artifact(uri=each.uri, digest=read_artifact(each.uri, each.digest, only=[SIGNATURE]).manifest.digest)
        for name, each in found.items()
    }
    return RehearsalOrder(
        namespace="",
        deployment=arguments.deployment or found["live"].name.rpartition("-")[0],
        live=found["live"].name,
        candidate=found["candidate"].name,
        artifact=artifacts["candidate"],
        live_artifact=artifacts["live"],
        store=arguments.store,
        now=datetime.now(UTC),
        limits=RehearsalLimits(
            rows=arguments.rows,
            max_disagreement=arguments.max_disagreement,
            max_shift=arguments.max_shift,
            by=arguments.by,
        ),
    )
