"""What companies put before MLflow: a proxy that asks for credentials. It remembers what it was sent."""

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Gate(ThreadingHTTPServer):
    """Passes requests with the right Authorization on to a server on loopback."""

    daemon_threads = True

    def __init__(self, *, behind: int | None = None, wanted: str | None = None, limit: int | None = None) -> None:
        """`behind` is a port; `limit` is after how many requests it hangs up; `wanted` is the header."""
        super().__init__(("127.0.0.1", 0), _Handler)
        self.behind = behind
        self.wanted = wanted
        self.limit = limit
        self.redirect: str | None = None
        self.seen: list[str | None] = []

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_address[1]}"


@contextmanager
def opened(gate: Gate) -> Iterator[Gate]:
    """Serve, and close at the end."""
    threading.Thread(target=gate.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield gate
    finally:
        gate.shutdown()
        gate.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: Gate
    protocol_version = "HTTP/1.1"

    def _pass(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.seen.append(self.headers["Authorization"])
        if self.server.limit is not None and len(self.server.seen) > self.server.limit:
            self.close_connection = True
            return
        if self.server.redirect is not None:
            self._answer(307, {"Location": f"{self.server.redirect}{self.path}"}, b"")
        elif self.server.wanted is not None and self.headers["Authorization"] != self.server.wanted:
            self._answer(401, {"WWW-Authenticate": "Basic"}, b"who are you?")
        else:
            self._ask(body)

    def _ask(self, body: bytes) -> None:
        assert self.server.behind is not None
        connection = http.client.HTTPConnection("127.0.0.1", self.server.behind, timeout=30)
        headers = {name: self.headers[name] for name in ("Content-Type", "Accept") if self.headers[name]}
        connection.request(self.command, self.path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        self._answer(answer.status, {"Content-Type": answer.headers["Content-Type"] or "text/plain"}, content)
        connection.close()

    def _answer(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def __getattr__(self, name: str) -> object:
        """What http.server looks for: do_GET, do_POST and the others."""
        if name.startswith("do_"):
            return self._pass
        raise AttributeError(name)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  http.server's own name
        """Nothing."""
