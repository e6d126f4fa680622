"""The listening socket: how it is made, what a person calls it, and how it is closed without losing a connection."""

import contextlib
import ctypes
import socket
import struct
from dataclasses import dataclass
from typing import Self

from evermodel.errors import SpecError

BACKLOG = 2048
ACCEPT_SECONDS = 0.05
"""Time for the event loop to accept the connections that the kernel had already made."""

_SO_ATTACH_FILTER = 26
_BPF_RETURN = 0x06


def listen(host: str | None, port: int) -> socket.socket:
    """A listening socket; without a host on all addresses, IPv6 included where the machine has it.

    Raises:
        SpecError: `PortUnavailable`.
    """
    try:
        if host is None:
            with contextlib.suppress(OSError):
                return socket.create_server(("::", port), family=socket.AF_INET6, backlog=BACKLOG, dualstack_ipv6=True)
            host = "0.0.0.0"  # noqa: S104  a pod is reached by its own address
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise SpecError(
            "PortUnavailable", f"port {port} of {host} cannot be listened on ({error.strerror}); choose another --port"
        ) from error


def reserve(host: str | None, port: int) -> socket.socket:
    """A socket that keeps a port for those who will share it, and does not listen itself.

    Sharing (SO_REUSEPORT) would let a second server in unseen, so whoever listens there already is looked for first.

    Raises:
        SpecError: `PortUnavailable`.
    """
    with listen(host, port) as found:
        family, address = found.family, found.getsockname()
    kept = socket.socket(family)
    try:
        if family == socket.AF_INET6:
            kept.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(host is not None))
        kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        kept.bind(address)
    except OSError as error:
        kept.close()
        raise SpecError(
            "PortUnavailable", f"port {address[1]} of {host} cannot be kept ({error.strerror}); choose another port"
        ) from error
    return kept


def target_of(kept: socket.socket) -> str:
    """The address of a socket as gRPC takes it."""
    host, port = kept.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def address_of(listener: socket.socket, scheme: str = "http") -> str:
    """Where a person reaches the socket."""
    host, port = listener.getsockname()[:2]
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104  compared, not bound
    return f"{scheme}://[{shown}]:{port}" if ":" in shown else f"{scheme}://{shown}:{port}"


@dataclass(frozen=True)
class Ports:
    """The ports of a server."""

    http: socket.socket
    grpc: socket.socket | None
    """Keeps the port that speaks gRPC; None where nobody does."""

    @classmethod
    def listen(cls, host: str | None, port: int, grpc_port: int | None) -> "Ports":
        """Take the ports.

        Raises:
            SpecError: `PortUnavailable`.
        """
        http = listen(host, port)
        try:
            return cls(http, None if grpc_port is None else reserve(host, grpc_port))
        except SpecError:
            http.close()
            raise

    @property
    def grpc_target(self) -> str | None:
        """Where gRPC is to be spoken, as gRPC takes it."""
        return None if self.grpc is None else target_of(self.grpc)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()
        if self.grpc is not None:
            self.grpc.close()


def refuse_handshakes(listener: socket.socket) -> None:
    """Let the kernel complete no more handshakes, while those it has completed can still be accepted.

    Closing a listening socket resets every connection that waits in its queue: to the client a request that was lost.
    A packet filter that drops everything (one instruction: return 0 bytes) leaves a queue that can only become empty. A
    client that comes later is refused when its second attempt, a second on, finds the socket closed. Where the kernel
    has no such filter, that queue is lost as it always was.
    """
    instruction = ctypes.create_string_buffer(struct.pack("HBBI", _BPF_RETURN, 0, 0, 0))
    program = struct.pack("HP", 1, ctypes.addressof(instruction))
    with contextlib.suppress(OSError):
        listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)
