"""`evermodel train`: a run in a pod (--order), or from the file that Kubernetes takes (-f)."""

import argparse
import json
import os
import sys
import tempfile
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from evermodel.errors import SpecError
from evermodel.pod import obey
from evermodel.training.progress import Progress
from evermodel.training.report_port import ReportPort
from evermodel.training.terminal import open_progress
from evermodel_api.digest import spec_digest
from evermodel_api.reasons import Reason
from evermodel_api.runs import (
    SECRETS_DIRECTORY,
    TERMINATION_LOG,
    Outcome,
    TrainingOrder,
    TrainingOutcome,
)
from evermodel_api.training import Cause, Source
from evermodel_api.version import GateVerdict


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare its arguments."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("-f", "--file", metavar="FILE", help="YAML file with the ModelTraining")
    what.add_argument("--order", metavar="FILE", help="a pod's order")
    what.add_argument("--work", metavar="URI", help="take part in the search of a run; its leader starts these")
    parser.add_argument("--worker", type=int, default=1, metavar="I", help="with --work: number of the worker, from 1")
    parser.add_argument("--stage", choices=["collect"], help="with --order: only collect the rows for containers")
    parser.add_argument("--store", metavar="DIR", help="artifact store: a directory or an fsspec URL")
    parser.add_argument(
        "--set-source",
        action="append",
        default=[],
        metavar="NAME=PATH",
        help="read the source of this name from a CSV, Parquet or JSON lines file, or any fsspec URL",
    )
    parser.add_argument(
        "--secrets",
        default=SECRETS_DIRECTORY,
        metavar="DIR",
        help="where Secrets are: <secret>/<key> below it (%(default)s)",
    )
    parser.add_argument(
        "--run-container",
        action="append",
        default=[],
        metavar="NAME=COMMAND",
        help="fit the container algorithm of this name by a local command (docs/containers.md)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument(
        "--termination-log", default=TERMINATION_LOG, metavar="FILE", help="where the outcome is written"
    )


def run(arguments: argparse.Namespace) -> int:
    """Do it; the exit code.

    Raises:
        RunError: when the run fails; in a pod the outcome then says so too.
    """
    if arguments.work:
        from evermodel.training.searching import work_alongside  # noqa: PLC0415  scikit-learn is slow to import

        work_alongside(arguments.work, arguments.worker)
        return 0
    return _run_order(arguments) if arguments.order else _run_file(arguments)


def _run_order(arguments: argparse.Namespace) -> int:
    def work(order: TrainingOrder) -> TrainingOutcome:
        with ReportPort(order.training, order.run) as progress:
            outcome = _obey(order, arguments, progress)
            progress.say(outcome.message)
            return outcome

    obey(Path(arguments.order), TrainingOrder, Path(arguments.termination_log), work, _failed)
    return 0


def _obey(order: TrainingOrder, arguments: argparse.Namespace, progress: Progress) -> TrainingOutcome:
    from evermodel.training.run import Run, collect_for_containers, run_training  # noqa: PLC0415  slow to import
    from evermodel.training.searching import in_cluster, work_in_pod  # noqa: PLC0415

    index = int(os.environ.get("JOB_COMPLETION_INDEX", "0"))
    run = Run(order, Path(arguments.secrets), progress, in_cluster(order), _memory_limit())
    if arguments.stage == "collect":
        collect_for_containers(run)
        return TrainingOutcome(outcome=Outcome.SUCCEEDED, message="the rows of all fits are ready")
    if index > 0:
        work_in_pod(order, index)
        return TrainingOutcome(outcome=Outcome.SUCCEEDED, message=f"worker {index} took part in the search")
    return run_training(run)


def _memory_limit() -> int | None:
    """What combining may use: half of the pod's limit, for what it makes has to have room too."""
    text = os.environ.get("EVERMODEL_MEMORY_LIMIT", "")
    return int(text) // 2 if text.isdigit() and int(text) > 0 else None


def _failed(reason: Reason, message: str) -> TrainingOutcome:
    return TrainingOutcome(outcome=Outcome.FAILED, message=message, reason=reason)


def _run_file(arguments: argparse.Namespace) -> int:
    order = _order_of_file(arguments)
    with ExitStack() as stack:
        progress = stack.enter_context(open_progress(quiet=arguments.json))
        containers = _pairs("--run-container", arguments.run_container)
        if any(algorithm.container for algorithm in order.spec.algorithms):
            exchange = stack.enter_context(tempfile.TemporaryDirectory(prefix="evermodel-exchange-"))
            order = order.model_copy(update={"exchange": exchange})
        outcome = _train(order, Path(arguments.secrets), progress, containers)
    if arguments.json:
        sys.stdout.write(f"{json.dumps(_document(order, outcome))}\n")
        return 0
    uri = f"{outcome.artifact.uri}\n" if outcome.artifact else ""
    sys.stdout.write(f"{order.training}-{order.run}: {outcome.message}\n{uri}")
    return 0


def _train(order: TrainingOrder, secrets: Path, progress: Progress, containers: dict[str, str]) -> TrainingOutcome:
    from evermodel.training.container_commands import run_commands  # noqa: PLC0415  slow to import
    from evermodel.training.run import Run, collect_for_containers, run_training  # noqa: PLC0415
    from evermodel.training.searching import on_this_machine  # noqa: PLC0415

    run = Run(order, secrets, progress, on_this_machine(order))
    if order.exchange is not None:
        collect_for_containers(run)
        run_commands(order.spec.algorithms, Path(order.exchange), containers)
    return run_training(run)


def _order_of_file(arguments: argparse.Namespace) -> TrainingOrder:
    from evermodel.artifact.records import latest_made, latest_passed, recorded_runs  # noqa: PLC0415  a wrong call
    from evermodel.artifact.store import absolute_uri  # noqa: PLC0415  needs no store
    from evermodel.data.source import replace_sources  # noqa: PLC0415
    from evermodel.specfile import read_object  # noqa: PLC0415
    from evermodel.training.rules import broken_rules  # noqa: PLC0415
    from evermodel_api.training import TrainingSpec  # noqa: PLC0415

    if not arguments.store:
        raise SpecError("InvalidSpec", "--store is missing: with -f give --store DIR")
    name, spec = read_object(arguments.file, "ModelTraining", TrainingSpec, broken_rules)
    sources: list[Source] = replace_sources(spec.data.sources, _pairs("--set-source", arguments.set_source))
    spec = spec.model_copy(update={"data": spec.data.model_copy(update={"sources": sources})})
    store = absolute_uri(arguments.store)
    return TrainingOrder(
        namespace="local",
        training=name,
        run=max([0, *recorded_runs(store, name)]) + 1,
        spec=spec,
        spec_digest=spec_digest(spec),
        store=store,
        as_of=datetime.now(UTC),
        cause=Cause(by="person/cli", reason="Requested"),
        champion=latest_passed(store, name),
        last=latest_made(store, name),
        allow_pickle=True,  # whoever trains and loads on their own machine is their own admin
    )


_WRITTEN = {
    "--set-source": "NAME=PATH, such as patients=patients.csv",
    "--run-container": 'NAME=COMMAND, such as ours="python fit.py"',
}


def _pairs(option: str, values: list[str]) -> dict[str, str]:
    pairs = [value.partition("=") for value in values]
    for name, _, content in pairs:
        if not name or not content:
            raise SpecError("InvalidSpec", f"{option} {name}: write {_WRITTEN[option]}")
    return {name: content for name, _, content in pairs}


def _document(order: TrainingOrder, outcome: TrainingOutcome) -> dict[str, Any]:
    """The JSON document of a run (docs: the same keys as in the API's examples)."""
    artifact = outcome.artifact
    return {
        "run": str(order.run),
        "version": f"{order.training}-{order.run}",
        "digest": artifact.digest if artifact else None,
        "dataDigest": outcome.data_digest,
        "algorithm": outcome.algorithm,
        "metrics": outcome.metrics,
        "gates": [_gate(gate) for gate in outcome.gates],
        "outcome": str(outcome.outcome),
        "passed": outcome.outcome is Outcome.SUCCEEDED,
        "artifact": artifact.uri if artifact else None,
        "seconds": outcome.seconds,
        "rows": outcome.rows,
        "quarantined": outcome.quarantined or 0,
        "ledger": outcome.ledger,
        "message": outcome.message,
    }


def _gate(verdict: GateVerdict) -> dict[str, Any]:
    """A verdict with numbers where the record has text; null where there is no number."""
    document = verdict.dump()
    for key in ("value", "limit", "champion"):
        document[key] = _number(document.get(key))
    return document


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None
