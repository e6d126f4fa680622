"""`evermodel serve`: answer requests with models, with and without a cluster."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from evermodel.errors import RunError, SpecError
from evermodel.serving.cores import processes_for_limits
from evermodel.serving.counters import Counters, Layout
from evermodel.serving.hosting import Named, Ordered, Wanted, find_named, moments_of
from evermodel.serving.limits import STANDARD, Limits
from evermodel.serving.listener import Ports, address_of
from evermodel.serving.process_usage import seconds_since_start
from evermodel.serving.setting import (
    MOST_PROCESSES,
    Setting,
    application_folder,
    folder_of,
    moments_in,
    named_models,
    read_setting,
)
from evermodel.serving.spool.place import TOTAL_BYTES, SpoolOptions
from evermodel.serving.switches import Switches, make_hooks, wait_until_usable
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
    parser.add_argument("--grpc-port", type=int, metavar="N", help="port to speak gRPC on as well, 0 for any free one")
    parser.add_argument("--host", help="address to listen on (default 127.0.0.1; in a pod all of them)")
    parser.add_argument("--order", metavar="FILE", type=Path, help="what a pod was told to serve (JSON)")
    parser.add_argument(
        "--config",
        metavar="FILE",
        type=Path,
        help="conf/setting.toml of an application that evermodel package wrote; other flags win over it",
    )
    parser.add_argument(
        "--drain",
        type=float,
        metavar="SECONDS",
        help=f"how long to answer on after SIGTERM, so that clients can leave (default {DRAIN_SECONDS:g})",
    )
    parser.add_argument(
        "--workers",
        type=_count,
        metavar="N",
        help="processes that answer (default 1; in a pod the whole cores of its CPU limit)",
    )
    parser.add_argument(
        "--spool",
        metavar="DIR",
        type=Path,
        help="where requests and labels wait for the store, and survive a crash (default: a temporary folder that the"
        " next server with the same store finds)",
    )
    parser.add_argument(
        "--spool-size",
        type=_mebibytes,
        default=TOTAL_BYTES,
        metavar="MIB",
        help=f"how much may wait there; what comes beyond is dropped and counted (default {TOTAL_BYTES >> 20})",
    )
    parser.add_argument(
        "--keys", metavar="DIR", type=Path, help="folder of API keys, one file for each; without it everybody may ask"
    )
    parser.add_argument(
        "--tls", metavar="DIR", type=Path, help="folder of tls.crt and tls.key; the server speaks HTTPS"
    )
    parser.add_argument("--access-log", action="store_true", help="print a line of JSON for each request")
    parser.add_argument(
        "--max-body",
        type=_mebibytes,
        metavar="MIB",
        help=f"how large the body of a request may be (default {STANDARD.body_bytes >> 20})",
    )
    parser.add_argument(
        "--max-rows", type=_rows, metavar="N", help=f"how many rows a request may have (default {STANDARD.rows})"
    )
    parser.add_argument("--termination-log", type=Path, metavar="FILE", help=argparse.SUPPRESS)


def _count(text: str) -> int:
    count = int(text)
    if not 1 <= count <= MOST_PROCESSES:
        raise ValueError(text)
    return count


def _rows(text: str) -> int:
    count = int(text)
    if count < 1:
        raise ValueError(text)
    return count


def _mebibytes(text: str) -> int:
    count = int(text)
    if count < 1:
        raise ValueError(text)
    return count << 20


def run(arguments: argparse.Namespace) -> int:
    """Serve until a signal comes.

    Raises:
        RunError: a model cannot be served; in a pod the sentence is in the termination message too.
    """
    if sum((bool(arguments.version), arguments.order is not None, arguments.config is not None)) != 1:
        sentence = "say what to serve: VERSION... with --store DIR, or --config FILE, or --order FILE"
        raise SpecError("WrongUsage", sentence)
    termination_log = arguments.termination_log or (Path(TERMINATION_LOG) if arguments.order else None)
    try:
        if arguments.order:
            _serve_order(arguments)
        elif arguments.config:
            setting, folder = read_setting(arguments.config), application_folder(arguments.config)
            found, moments = named_models(setting, folder), moments_in(setting)
            _serve_versions(_with_setting(arguments, setting, folder), found, moments)
        else:
            found = tuple(find_named(arguments.store, name) for name in arguments.version)
            _serve_versions(arguments, found, moments_of(arguments.store, found))
    except RunError as error:
        _leave_message(termination_log, str(error))
        raise
    _say("ended")
    return 0


def _serve_order(arguments: argparse.Namespace) -> None:
    order = read_order(arguments.order)
    port = order.port if arguments.port is None else arguments.port
    switches = Switches.of_order(order)
    wait_until_usable(switches)
    grpc_port = order.grpc_port if arguments.grpc_port is None else arguments.grpc_port
    ports = Ports.listen(arguments.host, port, grpc_port)
    _serve(Ordered(order, _spool_options(arguments)), ports, switches, arguments)


def _with_setting(arguments: argparse.Namespace, setting: Setting, folder: Path) -> argparse.Namespace:
    """The arguments, and what the setting says where they say nothing."""
    log = folder_of(setting.log, folder)
    said = {
        "store": str(log) if log else None,
        "host": setting.server.host,
        "port": setting.server.port,
        "workers": setting.server.workers,
        "drain": setting.server.drain_seconds,
        "keys": folder_of(setting.keys, folder),
        "tls": folder_of(setting.tls, folder),
        "access_log": setting.log.access,
        "max_body": setting.limits.max_body_mib << 20,
        "max_rows": setting.limits.max_rows,
    }
    given = {name: value for name, value in vars(arguments).items() if value is not None and value is not False}
    return argparse.Namespace(**(vars(arguments) | said | given))


def _serve_versions(arguments: argparse.Namespace, found: tuple[Named, ...], as_of: dict[str, str]) -> None:
    wanted = Wanted(arguments.store, found, _spool_options(arguments), as_of)
    port = LOCAL_PORT if arguments.port is None else arguments.port
    switches = _switches(arguments)
    switches.check()
    ports = Ports.listen(arguments.host or "127.0.0.1", port, arguments.grpc_port)
    _serve(wanted, ports, switches, arguments)


def _switches(arguments: argparse.Namespace) -> Switches:
    limits = Limits(arguments.max_body or STANDARD.body_bytes, arguments.max_rows or STANDARD.rows)
    return Switches(arguments.keys, arguments.tls, arguments.access_log, limits)


def _spool_options(arguments: argparse.Namespace) -> SpoolOptions:
    if arguments.spool is not None and arguments.store is None and arguments.order is None:
        raise SpecError("WrongUsage", "--spool keeps what waits for a store; name one with --store DIR")
    return SpoolOptions(arguments.spool, arguments.spool_size)


def _serve(plan: Ordered | Wanted, ports: Ports, switches: Switches, arguments: argparse.Namespace) -> None:
    processes = arguments.workers or (processes_for_limits() if arguments.order else 1)
    drain = DRAIN_SECONDS if arguments.drain is None else arguments.drain
    with ports:
        listener, grpc = ports.http, ports.grpc_target

        def announce() -> None:
            address = address_of(listener, switches.scheme)
            spoken = f"{address} and gRPC at {grpc}" if grpc else address
            _announce(spoken, [version for _, version in plan.names])

        # Each imports what it needs only: a parent is small, and a single process starts at once.
        if processes > 1:
            from evermodel.serving.processes import Team, run_processes  # noqa: PLC0415

            run_processes(Team(plan, listener, processes, drain, switches, grpc), announce)
        else:
            from evermodel.serving.server import Place, run_process  # noqa: PLC0415

            counters = Counters(Layout.of(plan.names))
            place = Place(listener, counters, drain, make_hooks(switches), grpc)
            run_process(place, plan.load, announce)


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


def _announce(address: str, versions: Sequence[str]) -> None:
    _say(f"{address} answers with {', '.join(versions)} (ready in {seconds_since_start():.1f} s)")


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
