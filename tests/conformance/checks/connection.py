"""Connections that are kept, and many requests at a time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from tests.conformance.requirement import demand, may, must
from tests.conformance.subject import Subject

CLIENTS, EACH = 8, 5


@may("connection.kept", "RFC 9112, 9.3", "A connection is kept for the next request.")
def kept(subject: Subject) -> None:
    one, other = (subject.infer(subject.example.request()).connection for _ in range(2))
    demand(one is not None and one == other, f"two requests, two connections: {one}, {other}")


@may("connection.kept_after_error", "RFC 9112, 9.3", "A connection is kept after a request that was refused, too.")
def kept_after_error(subject: Subject) -> None:
    one = subject.infer(b"{}").connection
    other = subject.infer(subject.example.request()).connection
    demand(one is not None and one == other, f"a refusal cost the connection: {one}, {other}")


@must("connection.many", "REST, Inference Request: id", "Requests at the same time get each its own answer.")
def many(subject: Subject) -> None:
    usual = subject.usual

    def ask(client: int) -> None:
        for number in range(EACH):
            wanted = f"client-{client}-{number}"
            document = subject.answered(subject.example.request(id=wanted))
            demand(document.get("id") == wanted, f"sent {wanted}, got the answer to {document.get('id')!r}")
            demand({o["name"]: o for o in document["outputs"]} == usual, "the answer differs from that to one alone")

    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(ask, range(CLIENTS)))
