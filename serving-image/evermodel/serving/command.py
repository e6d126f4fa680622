"""`evermodel serve`: answer requests with models, with and without a cluster."""

import argparse
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from evermodel.artifact.records import find_version
from evermodel.artifact.store import absolute_uri, write_bytes
from evermodel.errors import RunError, SpecError
from evermodel.serving.engine import ServedModel, load_served_model
from evermodel.serving.feedback import FeedbackLog
from evermodel.serving.log import LogTarget, PredictionLogger, process_name
from evermodel.serving.registry import Hosted
from evermodel.serving.server import ServerOptions, run_server
from evermodel_api.deployment import PredictionLog
from evermodel_api.runs import MESSAGE_LIMIT, TERMINATION_LOG, ServingOrder

DRAIN_SECONDS = 5.0
LOCAL_PORT = 5050


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `evermodel serve`."""
    parser.add_argument(
        "version",
        nargs="*",
        metavar="VERSION",
        help="version (heart-4), model (heart: its newest one), or directory or URI of an artifact (NAME=DIR names it)",
    )
    parser.add_argument("--store", metavar="DIR", help="artifact store; the prediction log and labels go there too")
    parser.add_argument("--port", type=int, help=f"port to listen on, 0 for any free one (default {LOCAL_PORT})")
    parser.add_argument("--host", help="address to listen on (default 127.0.0.1; in a pod all of them)")
    parser.add_argument("--order", metavar="FILE", type=Path, help="what a pod was told to serve (JSON)")
    parser.add_argument(
        "--drain",
        type=float,
        default=DRAIN_SECONDS,
        metavar="SECONDS",
        help="how long to answer on after SIGTERM, so that clients can leave (default %(default)g)",
    )
    parser.add_argument("--termination-log", type=Path, metavar="FILE", help=argparse.SUPPRESS)


def run(arguments: argparse.Namespace) -> int:
    """Serve until a signal comes.

    Raises:
        RunError: a model cannot be served; in a pod the sentence is in the termination message too.
    """
    started = time.monotonic()
    if (arguments.order is None) == (not arguments.version):
        raise SpecError("WrongUsage", "say what to serve: VERSION... with --store DIR, or --order FILE")
    termination_log = arguments.termination_log or (Path(TERMINATION_LOG) if arguments.order else None)
    try:
        if arguments.order:
            _serve_order(arguments, started)
        else:
            _serve_versions(arguments, started)
    except RunError as error:
        _leave_message(termination_log, str(error))
        raise
    _say("ended")
    return 0


def _serve_order(arguments: argparse.Namespace, started: float) -> None:
    order = read_order(arguments.order)
    port = order.port if arguments.port is None else arguments.port
    options = ServerOptions(arguments.host, port, arguments.drain)
    run_server(options, lambda: [host_order(order)], lambda address: _announce(address, [order.version], started))


def _serve_versions(arguments: argparse.Namespace, started: float) -> None:
    wanted = [find_named(arguments.store, name) for name in arguments.version]
    port = LOCAL_PORT if arguments.port is None else arguments.port
    options = ServerOptions(arguments.host or "127.0.0.1", port, arguments.drain)
    names = [version for _, version, _, _ in wanted]
    run_server(
        options, lambda: host_versions(arguments.store, wanted), lambda address: _announce(address, names, started)
    )


def read_order(path: Path) -> ServingOrder:
    """The order of a serving pod.

    Raises:
        SpecError: `OrderInvalid`.
    """
    try:
        return ServingOrder.model_validate_json(path.read_bytes())
    except OSError as error:
        raise SpecError("OrderInvalid", f"the order {path} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "its root"
        raise SpecError("OrderInvalid", f"the order {path} is wrong at {place}: {first['msg']}") from error


def host_order(order: ServingOrder) -> Hosted:
    """Load what a pod is to serve.

    Raises:
        RunError: it cannot be served.
    """
    artifact = order.artifact
    served = load_served_model(
        order.model, order.version, artifact.uri, artifact.digest, allow_pickle=bool(order.allow_pickle)
    )
    process = process_name(socket.gethostname())
    log = _logger(order.store, order.deployment, process, served, order.log)
    return Hosted(served, log, _feedback(order.store, order.deployment, process) if order.feedback.enabled else None)


Named = tuple[str, str, str, str | None]
"""Name of a model, name of a version, URI of its artifact, digest of its manifest (None: as it is)."""


def find_named(store: str | None, wanted: str) -> Named:
    """Find what a person named: `VERSION`, `MODEL`, `DIR`, `URI`, or `NAME=` before one of them.

    Raises:
        DataError: `VersionNotFound`.
        RunError: `StoreUnavailable`.
    """
    name, equals, place = wanted.partition("=")
    found = find_version(store, place if equals else wanted)
    version = name if equals else found.name
    model, _, number = version.rpartition("-")
    return (model if model and number.isdigit() else version), version, found.uri, found.digest


def host_versions(store: str | None, wanted: Sequence[Named]) -> list[Hosted]:
    """Load what a person named; versions of one model share its labels.

    Raises:
        RunError: one of them cannot be served.
    """
    process = process_name(socket.gethostname())
    served = [load_served_model(*named) for named in wanted]
    if store is None:
        return [Hosted(item) for item in served]
    root = absolute_uri(store)
    labels = {model: _feedback(root, model, process) for model in {item.model for item in served}}
    logs = [_logger(root, item.model, process, item, PredictionLog()) for item in served]
    return [Hosted(item, log, labels[item.model]) for item, log in zip(served, logs, strict=True)]


def _logger(
    store: str, deployment: str, process: str, served: ServedModel, settings: PredictionLog
) -> PredictionLogger | None:
    if settings.sample == 0:
        return None
    target = LogTarget(store, deployment, served.version, process)
    return PredictionLogger(target, served.signature, settings, write_bytes)


def _feedback(store: str, deployment: str, process: str) -> FeedbackLog:
    return FeedbackLog(store, deployment, process, write_bytes)


def _announce(address: str, versions: Sequence[str], started: float) -> None:
    _say(f"{address} answers with {', '.join(versions)} (ready in {time.monotonic() - started:.1f} s)")


def _say(sentence: str) -> None:
    print(f"evermodel serve: {sentence}", flush=True)  # noqa: T201  the address on standard output is the contract


def _leave_message(path: Path | None, sentence: str) -> None:
    """Leave the sentence where Kubernetes finds it; where that is impossible it is on standard error all the same."""
    if path is None:
        return
    try:
        path.write_bytes(sentence.encode()[:MESSAGE_LIMIT])
    except OSError as error:
        print(f"evermodel serve: {path} cannot be written: {error.strerror}", file=sys.stderr)  # noqa: T201
