"""The listening socket: told when it cannot be, reached by loopback, and closed without losing who had connected."""

import socket
import threading
import time

import pytest

from evermodel.errors import SpecError
from evermodel.serving.listener import address_of, listen, refuse_handshakes


def test_a_port_that_is_taken_is_told():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SpecError, match=f"port {port} of 127.0.0.1 cannot be listened on.*choose another --port"):
            listen("127.0.0.1", port)


@pytest.mark.parametrize("host", [None, "127.0.0.1"])
def test_a_listener_without_a_host_is_reached_by_loopback_too(host):
    with listen(host, 0) as listener:
        address = address_of(listener)
        assert address == f"http://127.0.0.1:{listener.getsockname()[1]}"
        socket.create_connection(("127.0.0.1", listener.getsockname()[1]), timeout=5).close()


def test_closing_loses_no_connection_that_the_kernel_had_made():
    # given a listener with a connection that nobody has accepted yet
    with listen("127.0.0.1", 0) as listener:
        address = listener.getsockname()
        with socket.create_connection(address, timeout=5) as early:
            early.sendall(b"early")
            # when it completes no more handshakes
            refuse_handshakes(listener)
            # then a client that comes now gets no connection
            with socket.socket() as late:
                late.settimeout(0.2)
                with pytest.raises(TimeoutError):
                    late.connect(address)
            # and the one from before can still be accepted and read
            listener.settimeout(5)
            accepted, _ = listener.accept()
            with accepted:
                assert accepted.recv(10) == b"early"


def test_who_comes_while_it_closes_is_refused_not_left_waiting():
    # given a listener that completes no more handshakes, and a client that comes
    with listen("127.0.0.1", 0) as listener:
        address = listener.getsockname()
        refuse_handshakes(listener)
        closing = threading.Timer(0.1, listener.close)
        closing.start()
        # when the listener is closed meanwhile, then the client's next attempt is refused
        started = time.monotonic()
        with socket.socket() as late:
            late.settimeout(10)
            with pytest.raises(ConnectionRefusedError):
                late.connect(address)
        assert time.monotonic() - started < 5
        closing.join()
