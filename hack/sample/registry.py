"""The registry of the clinics: an HTTP API with pages and a key. Now and then it fails, as such APIs do.

Runs from the standard library alone: python registry.py PORT KEY < sites.json
"""

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

PAGE_ROWS = 3


def page(sites: list[dict[str, Any]], number: int) -> dict[str, Any]:
    """One page, and where the next one is."""
    ends = number * PAGE_ROWS
    following = f"/sites?page={number + 1}" if ends < len(sites) else None
    return {"data": sites[ends - PAGE_ROWS : ends], "links": {"next": following}}


def handler(sites: list[dict[str, Any]], key: str) -> type[BaseHTTPRequestHandler]:
    """What answers requests."""
    failed: set[str] = set()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Answer a page to who has the key; each page fails once."""
            if self.headers.get("X-Registry-Key") != key:
                self._answer(401, {"message": "the header X-Registry-Key is wrong"})
            elif self.path not in failed:
                failed.add(self.path)
                self._answer(500, {"message": "try again"})
            else:
                number = int(parse_qs(urlsplit(self.path).query).get("page", ["1"])[0])
                self._answer(200, page(sites, number))

        def _answer(self, status: int, document: dict[str, Any]) -> None:
            content = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  the standard library's name
            """Nothing."""

    return Handler


def main() -> None:
    """Serve until the end."""
    port, key = int(sys.argv[1]), sys.argv[2]
    ThreadingHTTPServer(("", port), handler(json.load(sys.stdin), key)).serve_forever()


if __name__ == "__main__":
    main()
