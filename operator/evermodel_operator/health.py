"""/healthz, /readyz and /metrics."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from evermodel_operator.metrics import Metrics

STUCK_AFTER = 300.0
ROUNDS_MISSED = 2


class Health:
    """What the kubelet is told. `troubles` gives sentences; none means alive."""

    def __init__(self, troubles: Callable[[], list[str]]) -> None:
        self._troubles = troubles
        self.ready = False

    async def alive(self, _request: web.Request) -> web.Response:
        """Answer /healthz."""
        troubles = self._troubles()
        return web.Response(status=500 if troubles else 200, text="\n".join(troubles or ["ok"]) + "\n")

    async def readiness(self, _request: web.Request) -> web.Response:
        """Answer /readyz. A replica that waits for its turn to lead is ready, or a rollout of two would never end."""
        return web.Response(status=200 if self.ready else 503, text="ok\n" if self.ready else "starting\n")


@asynccontextmanager
async def serving(health: Health, metrics: Metrics, *, health_port: int, metrics_port: int) -> AsyncIterator[None]:
    """Serve both, on one port or on two, while the block runs."""

    async def render(_request: web.Request) -> web.Response:
        return web.Response(body=metrics.render(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})

    probes = [web.get("/healthz", health.alive), web.get("/readyz", health.readiness)]
    ports: dict[int, list[web.RouteDef]] = {health_port: probes}
    ports.setdefault(metrics_port, []).append(web.get("/metrics", render))
    runners = []
    try:
        for port, routes in ports.items():
            app = web.Application()
            app.add_routes(routes)
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
            await runner.setup()
            runners.append(runner)
            await web.TCPSite(runner, port=port).start()
        yield
    finally:
        for runner in runners:
            await runner.cleanup()
