"""`evermodel train`: a run in a pod (--order), or from the file that Kubernetes takes (-f)."""

import argparse
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from evermodel.errors import SpecError
from evermodel.pod import obey
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
    parser.add_argument("--store", metavar="DIR", help="artifact store: a directory or an fsspec URL")
    parser.add_argument(
        "--set-source",
        action="append",
        default=[],
        metavar="NAME=PATH",
        help="read the source of this name from a local CSV or Parquet file",
    )
    parser.add_argument(
        "--secrets",
        default=SECRETS_DIRECTORY,
        metavar="DIR",
        help="where Secrets are: <secret>/<key> below it (%(default)s)",
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
    return _run_order(arguments) if arguments.order else _run_file(arguments)


def _run_order(arguments: argparse.Namespace) -> int:
    def work(order: TrainingOrder) -> TrainingOutcome:
        from evermodel.training.run import run_training  # noqa: PLC0415  scikit-learn is slow to import

        return run_training(order, Path(arguments.secrets), _progress)

    outcome = obey(Path(arguments.order), TrainingOrder, Path(arguments.termination_log), work, _failed)
    _progress(outcome.message)
    return 0


def _failed(reason: Reason, message: str) -> TrainingOutcome:
    return TrainingOutcome(outcome=Outcome.FAILED, message=message, reason=reason)


def _run_file(arguments: argparse.Namespace) -> int:
    order = _order_of_file(arguments)
    from evermodel.training.run import run_training  # noqa: PLC0415  scikit-learn is slow to import

    outcome = run_training(order, Path(arguments.secrets), _silent if arguments.json else _progress)
    if arguments.json:
        sys.stdout.write(f"{json.dumps(_document(order, outcome))}\n")
        return 0
    uri = outcome.artifact.uri if outcome.artifact else ""
    sys.stdout.write(f"{order.training}-{order.run}: {outcome.message}\n{uri}\n")
    return 0


def _order_of_file(arguments: argparse.Namespace) -> TrainingOrder:
    from evermodel.artifact.records import latest_passed, recorded_runs  # noqa: PLC0415  a wrong call needs no store
    from evermodel.artifact.store import absolute_uri  # noqa: PLC0415
    from evermodel.data.sources import replace_sources  # noqa: PLC0415
    from evermodel.specfile import read_object  # noqa: PLC0415
    from evermodel.training.rules import broken_rules  # noqa: PLC0415
    from evermodel_api.training import TrainingSpec  # noqa: PLC0415

    if not arguments.store:
        raise SpecError("InvalidSpec", "--store is missing: with -f give --store DIR")
    name, spec = read_object(arguments.file, "ModelTraining", TrainingSpec, broken_rules)
    sources: list[Source] = replace_sources(spec.data.sources, _replacements(arguments.set_source))
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
    )


def _replacements(options: list[str]) -> dict[str, str]:
    pairs = [option.partition("=") for option in options]
    for name, _, path in pairs:
        if not name or not path:
            raise SpecError("InvalidSpec", f"--set-source {name}: write NAME=PATH, such as patients=patients.csv")
    return {name: path for name, _, path in pairs}


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
        "passed": outcome.outcome is Outcome.SUCCEEDED,
        "artifact": artifact.uri if artifact else None,
        "seconds": outcome.seconds,
        "rows": outcome.rows,
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


def _progress(sentence: str) -> None:
    sys.stdout.write(f"{sentence}\n")
    sys.stdout.flush()


def _silent(sentence: str) -> None:
    del sentence
