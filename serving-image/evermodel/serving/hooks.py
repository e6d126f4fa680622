"""What may watch or guard every request: keys, the access log, traces, TLS, limits.

All but the limits are absent unless they are switched on.
"""

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from evermodel.serving.exchange import Exchange
from evermodel.serving.faults import RequestError
from evermodel.serving.limits import STANDARD, Limits


class Keys(Protocol):
    """Who may ask."""

    def refuse(self, headers: Mapping[bytes, bytes]) -> RequestError | None:
        """What a client is told whose headers hold no valid key; None for one that may ask."""


class AccessLog(Protocol):
    """One line for each request."""

    def write(self, exchange: Exchange, route: str, status: int, size: int, seconds: float) -> None:
        """Take a request that was answered with `size` bytes. Never waits."""


class Span(Protocol):
    """One request in a trace."""

    def end(self, exchange: Exchange, status: int) -> None:
        """Say how it ended."""


class Tracer(Protocol):
    """Tells a collector of traces about requests."""

    def start(self, exchange: Exchange, route: str) -> Span | None:
        """Begin a span; None where this request is not sampled."""


@dataclass(frozen=True)
class Hooks:
    """What is switched on."""

    keys: Keys | None = None
    access_log: AccessLog | None = None
    tracer: Tracer | None = None
    tls: Callable[[], ssl.SSLContext] | None = None
    certificate: Callable[[], tuple[bytes, bytes]] | None = None
    """The same certificate as PEM, and its key, for who makes no context of it."""
    limits: Limits = STANDARD
    close: Callable[[], None] | None = None
    """Called at the end, when no request comes any more."""
