"""The operator's process: options, settings, who leads, and how it ends."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import socket
import sys
import time
import uuid
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from prometheus_client import disable_created_metrics

from evermodel_operator import logs
from evermodel_operator.cluster.client import Client
from evermodel_operator.cluster.connection import ConnectionFailed, connect, own_namespace
from evermodel_operator.cluster.errors import ApiError
from evermodel_operator.cluster.lease import Lease, LeaseLost
from evermodel_operator.controller import Controller, ControllerFailed
from evermodel_operator.health import Health, serving
from evermodel_operator.kinds import KINDS
from evermodel_operator.metrics import Metrics
from evermodel_operator.settings import DEFAULT_PATH, Settings, SettingsError, read_settings
from evermodel_operator.watch.listing import KindMissing

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

LOG = logging.getLogger("evermodel_operator")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until told to stop.

    Returns:
        0 after SIGTERM or SIGINT, 1 when it cannot go on (Kubernetes starts it again), 2 when its settings are wrong.
    """
    options = _options(arguments)
    try:
        settings = read_settings(options.config)
    except SettingsError as error:
        sys.stderr.write(f"evermodel-operator: {error}\n")
        return 2
    logs.configure(settings.log.level, settings.log.format)
    # Else there is a second series beside every counter, which nobody asks for.
    disable_created_metrics()  # type: ignore[no-untyped-call]
    try:
        asyncio.run(_serve(settings, options.kubeconfig, options.context))
    except (ConnectionFailed, KindMissing, LeaseLost, ControllerFailed, ApiError) as error:
        LOG.error("%s", error)  # noqa: TRY400 - the sentence says it all
        return 1
    except OSError as error:
        LOG.error("the operator cannot listen on its ports: %s", error)  # noqa: TRY400
        return 1
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="evermodel-operator", description="Keeps machine-learning models alive on Kubernetes."
    )
    parser.add_argument(
        "--config", type=Path, default=DEFAULT_PATH, help="the settings, a YAML file (default: %(default)s)"
    )
    parser.add_argument("--kubeconfig", help="outside a pod: the kubeconfig (default: $KUBECONFIG or ~/.kube/config)")
    parser.add_argument("--context", help="outside a pod: the context of the kubeconfig")
    return parser.parse_args(arguments)


async def _serve(settings: Settings, kubeconfig: str | None, context: str | None) -> None:
    """Lead when it is our turn, and work; end cleanly on a signal, at once when the lead is lost."""
    stop = asyncio.Event()
    _on_signals(stop)
    metrics = Metrics()
    identity = f"{socket.gethostname()}_{uuid.uuid4().hex[:8]}"
    async with AsyncExitStack() as stack:
        connection = await connect(kubeconfig, context)
        client = Client(connection.api_client(), on_answer=metrics.request)
        stack.push_async_callback(client.close)
        controller = Controller(KINDS, settings, client, connection, metrics, identity)
        health = Health(controller.troubles)
        ports = settings.ports
        await stack.enter_async_context(serving(health, metrics, health_port=ports.health, metrics_port=ports.metrics))
        tasks: list[Coroutine[None, None, None]] = []
        if settings.leader_election.enabled:
            lease = _lease(settings, client, identity)
            client.may_write = lambda: lease.held
            stack.push_async_callback(lease.release)
            health.ready = True
            if not await _before(stop, lease.acquire()):
                return
            tasks.append(lease.keep())
        metrics.leader.set(1)
        health.ready = True
        # kopf takes the signals for itself when it starts, so they are taken back after that.
        tasks.append(controller.run(on_started=lambda: _on_signals(stop)))
        await _first_of(stop, tasks)


def _lease(settings: Settings, client: Client, identity: str) -> Lease:
    namespace = settings.leader_election.namespace or own_namespace()
    if namespace is None:
        raise ConnectionFailed(
            "the Lease has no place: outside a pod set leaderElection.namespace, or leaderElection.enabled: false"
        )
    return Lease(
        client, namespace, settings.leader_election.name, identity, clock=time.monotonic, now=lambda: datetime.now(UTC)
    )


def _on_signals(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)


async def _before(stop: asyncio.Event, work: Coroutine[None, None, None]) -> bool:
    """Wait for some work, and give it up on a signal; says whether it was done."""
    task = asyncio.create_task(work)
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if task.done():
        await task
        return True
    await _end([task])
    return False


async def _first_of(stop: asyncio.Event, work: list[Coroutine[None, None, None]]) -> None:
    """Run everything until a signal comes or one of them ends; then end the rest and raise what was raised."""
    tasks = [asyncio.create_task(each) for each in work]
    stopped = asyncio.create_task(stop.wait())
    done, _running = await asyncio.wait({*tasks, stopped}, return_when=asyncio.FIRST_COMPLETED)
    LOG.info("stopping: %s", "told to" if stopped in done else "a part of the operator ended")
    stopped.cancel()
    await _end([task for task in tasks if not task.done()])
    for task in tasks:
        if task in done:
            await task


async def _end(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
