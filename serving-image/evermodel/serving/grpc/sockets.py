"""The sockets of gRPC's own library in this process. It hands them to nobody, so they are found by their port.

A server of gRPC can only end as a whole, and calls that come while it does are lost to their clients: the library
cancels them. So who must not lose any closes the door first, waits until all connections are gone, and ends then.
"""

import asyncio
import contextlib
import os
import socket
from collections.abc import Iterator
from pathlib import Path

from evermodel.serving.listener import ACCEPT_SECONDS, refuse_handshakes

_LOOK_SECONDS = 0.05


def sockets_at(port: int) -> Iterator[socket.socket]:
    """Each socket of this process that is bound to a port, as a second descriptor of it, open until the next."""
    for path in Path("/proc/self/fd").iterdir():
        found = _duplicate(int(path.name))
        if found is not None:
            with found:
                if found.family in (socket.AF_INET, socket.AF_INET6) and found.getsockname()[1] == port:
                    yield found


def _duplicate(descriptor: int) -> socket.socket | None:
    """A second descriptor of a socket; None for one that is no socket, or is closed meanwhile."""
    try:
        copy = os.dup(descriptor)
    except OSError:
        return None
    try:
        return socket.socket(fileno=copy)
    except OSError:
        os.close(copy)
        return None


def count_connections(port: int) -> int:
    """How many clients are connected to a port."""
    return sum(_is_connected(found) for found in sockets_at(port))


def _is_connected(found: socket.socket) -> bool:
    try:
        found.getpeername()
    except OSError:
        return False
    return True


async def stop_accepting(port: int) -> None:
    """Let nobody connect to a port any more; who is connected stays so, and who comes is refused at once."""
    for found in sockets_at(port):
        if found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            refuse_handshakes(found)
    await asyncio.sleep(ACCEPT_SECONDS)  # for those that the kernel has connected already
    for found in sockets_at(port):
        if found.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            found.shutdown(socket.SHUT_RDWR)


async def wait_until_left(port: int, seconds: float) -> None:
    """Wait until no client is connected to a port, for so long at most."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while count_connections(port):  # noqa: ASYNC110  the library tells nobody
                await asyncio.sleep(_LOOK_SECONDS)
