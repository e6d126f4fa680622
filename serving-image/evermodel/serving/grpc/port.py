"""The port that speaks gRPC, in one process: where it listens, with which certificate, and how it ends.

Each process of a server listens itself: the kernel deals connections to those that share a port (SO_REUSEPORT).
"""

from typing import TYPE_CHECKING, Any

import grpc
import grpc.aio

from evermodel.serving.grpc.service import Service
from evermodel.serving.grpc.sockets import stop_accepting, wait_until_left
from evermodel.serving.hooks import Hooks

if TYPE_CHECKING:
    from evermodel.serving.app import Application

_IDENTITY_ONLY = 1
"""Bit of the one kind of compression that is read: none, as over HTTP. Eight megabytes can become as many gigabytes."""
AGE_SECONDS = 10
"""A connection is told to end at this age, without losing a call: a client's next one takes a new connection. So
clients come to know new pods, and leave a pod that ends before it does: there is no other way to ask them to."""
_AGE_SPREAD = 1.2
"""The library adds or takes a tenth, so that not all clients come again at once."""
_PING_SECONDS = 10
"""Clients may ask so often whether the connection still stands."""


class Port:
    """Listens, answers, and ends."""

    def __init__(self, application: "Application", address: str, hooks: Hooks) -> None:
        """Prepare to listen at an address (`0.0.0.0:8001`)."""
        self._server = grpc.aio.server(options=_options(hooks), maximum_concurrent_rpcs=application.connection_limit)
        self._number = int(address.rpartition(":")[2])
        self._server.add_generic_rpc_handlers((Service(application).handler(),))
        if hooks.certificate is None:
            self._server.add_insecure_port(address)
        else:
            self._server.add_secure_port(address, _credentials(hooks))

    async def start(self) -> None:
        """Answer calls."""
        await self._server.start()

    async def stop(self, seconds: float, *, hurry: bool) -> None:
        """Let clients leave, then finish what is under way within `seconds`; in a hurry nobody is waited for."""
        if not hurry:
            await stop_accepting(self._number)
            await wait_until_left(self._number, AGE_SECONDS * _AGE_SPREAD)
        await self._server.stop(seconds)


def _options(hooks: Hooks) -> list[tuple[str, int]]:
    return [
        ("grpc.so_reuseport", 1),
        ("grpc.max_connection_age_ms", AGE_SECONDS * 1000),
        ("grpc.max_receive_message_length", hooks.limits.body_bytes),
        ("grpc.max_send_message_length", -1),
        ("grpc.compression_enabled_algorithms_bitset", _IDENTITY_ONLY),
        ("grpc.http2.min_ping_interval_without_data_ms", _PING_SECONDS * 1000),
        ("grpc.keepalive_permit_without_calls", 1),
    ]


def _credentials(hooks: Hooks) -> Any:
    """The certificate that is there when a connection begins: gRPC asks for it at each handshake."""
    certificate = hooks.certificate
    if certificate is None:
        raise ValueError("there is no certificate")
    given = certificate()

    def fetch() -> Any:
        nonlocal given
        current = certificate()
        if current == given:
            return None  # go on with the one before
        given = current
        return _configuration(current)

    return grpc.dynamic_ssl_server_credentials(_configuration(given), fetch)


def _configuration(pair: tuple[bytes, bytes]) -> Any:
    chain, key = pair
    return grpc.ssl_server_certificate_configuration([(key, chain)])
