"""The server that is examined, over HTTP and gRPC, and what checks want to know of it more than once."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import httpx

from tests.conformance.requirement import NotOfferedError, ViolationError, demand

if TYPE_CHECKING:
    from tests.conformance.example import Document, Example
    from tests.conformance.grpc_client import GrpcClient

JSON = {"Content-Type": "application/json"}


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


@dataclass(frozen=True)
class Answer:
    """What came back over HTTP."""

    status: int
    headers: httpx.Headers
    body: bytes
    connection: object
    """Where the connection begins; the same for two answers on one connection."""

    @property
    def document(self) -> Document:
        """The JSON object in the body; NaN and Infinity, which Python would write, are no JSON."""
        try:
            found = json.loads(self.body, parse_constant=_refuse_constant)
        except ValueError as error:
            raise ViolationError(f"status {self.status}, and no JSON: {error}: {self.body[:80]!r}") from None
        demand(isinstance(found, dict), f"expected a JSON object, got {str(found)[:80]}")
        return dict(found)


@dataclass
class Subject:
    """A server, one of its models, and a request that this model takes."""

    client: httpx.Client
    model: str
    example: Example
    grpc: GrpcClient | None = field(default=None)

    def ask(
        self, method: str, path: str, content: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """Send one request. A connection that breaks twice is a finding of the check that asked.

        A server may end a kept connection at any time (RFC 9112, 9.3.1), so one that breaks is replaced once.
        """
        try:
            try:
                return self._send(method, path, content, headers)
            except (httpx.ReadError, httpx.WriteError, httpx.RemoteProtocolError):
                return self._send(method, path, content, headers)
        except httpx.HTTPError as error:
            raise ViolationError(f"{method} {path}: {type(error).__name__}: {error}") from None

    def _send(self, method: str, path: str, content: bytes | None, headers: dict[str, str] | None) -> Answer:
        with self.client.stream(method, path, content=content, headers=headers) as response:
            stream = response.extensions.get("network_stream")
            connection = stream.get_extra_info("client_addr") if stream else None
            return Answer(response.status_code, response.headers, response.read(), connection)

    def get(self, path: str) -> Answer:
        """GET a path."""
        return self.ask("GET", path)

    def path(self, version: str | None = None, end: str = "") -> str:
        """The model's path, with a version or without."""
        return f"/v2/models/{self.model}{f'/versions/{version}' if version else ''}{end}"

    def infer(self, document: object, version: str | None = None) -> Answer:
        """POST a document to the model's infer; bytes are sent as they are."""
        content = document if isinstance(document, bytes) else json.dumps(document).encode()
        return self.ask("POST", self.path(version, "/infer"), content, JSON)

    def answered(self, document: object, version: str | None = None) -> Document:
        """The answer's document, of a request that has to be answered."""
        answer = self.infer(document, version)
        demand(answer.status == 200, f"expected 200, got {answer.status}: {answer.body[:120]!r}")
        return answer.document

    def outputs(self, document: object) -> dict[str, Document]:
        """The outputs of an answer by name."""
        found = self.answered(document).get("outputs")
        demand(isinstance(found, list) and found, f'expected "outputs", a list with tensors, got {str(found)[:80]}')
        return {output.get("name"): output for output in found or []}

    @cached_property
    def usual(self) -> dict[str, Document]:
        """The outputs to the example."""
        return self.outputs(self.example.request())

    @cached_property
    def server(self) -> Document:
        """Metadata of the server."""
        return self.get("/v2").document

    @cached_property
    def metadata(self) -> Document:
        """Metadata of the model."""
        return self.get(self.path()).document

    @property
    def versions(self) -> list[str]:
        """Versions that may be asked for.

        Raises:
            NotOfferedError: the metadata list none.
        """
        found = self.metadata.get("versions")
        if not found:
            raise NotOfferedError("the model's metadata list no versions")
        return list(found)

    def needs_extension(self, name: str) -> None:
        """Go on only where the server lists the extension.

        Raises:
            NotOfferedError: it does not.
        """
        if name not in (self.server.get("extensions") or []):
            raise NotOfferedError(f"the server does not list the extension {name}")

    @property
    def rpc(self) -> GrpcClient:
        """The gRPC client.

        Raises:
            NotOfferedError: no address of gRPC was given.
        """
        if self.grpc is None:
            raise NotOfferedError("no address of gRPC was given (--grpc)")
        return self.grpc


def demand_refusal(answer: Answer, what: str) -> None:
    """The client's fault is told with a status of 4xx and `{"error": string}`.

    Raises:
        ViolationError: it is not.
    """
    demand(400 <= answer.status < 500, f"{what}: expected a status of 4xx, got {answer.status}: {answer.body[:100]!r}")
    error = answer.document.get("error")
    demand(isinstance(error, str) and error, f'{what}: expected {{"error": string}}, got {answer.body[:100]!r}')


def demand_version_refusal(subject: Subject, answer: Answer, what: str) -> None:
    """A version that is not there is refused; a server that has no versions at all may say 501, Not Implemented."""
    if answer.status == 501 and not subject.metadata.get("versions"):
        demand(isinstance(answer.document.get("error"), str), f'{what}: 501 without {{"error": string}}')
    else:
        demand_refusal(answer, what)


def demand_answer_or_refusal(answer: Answer, what: str) -> None:
    """What a server may take or refuse: 200 with outputs, or a refusal in the right form."""
    if answer.status == 200:
        demand(isinstance(answer.document.get("outputs"), list), f"{what}: 200 without outputs: {answer.body[:100]!r}")
    else:
        demand_refusal(answer, what)
