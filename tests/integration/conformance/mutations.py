"""Servers that are wrong in one way each: what a right server answers is changed on its way to the suite."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import grpc
import httpx

from tests.conformance.grpc_client import GrpcClient, RefusalError, message_class
from tests.conformance.subject import JSON


@dataclass(frozen=True)
class Given:
    """An answer, and the request that it is given to."""

    method: str
    path: str
    asked: bytes
    status: int
    body: bytes
    headers: dict[str, str]
    wronged: bool
    """Whether the server has been sent an empty object before."""

    @property
    def is_inference(self) -> bool:
        return self.path.endswith("/infer")

    @property
    def is_error(self) -> bool:
        return self.status >= 400

    @property
    def document(self) -> dict[str, Any]:
        return json.loads(self.body)

    def with_document(self, document: object) -> Given:
        return replace(self, body=json.dumps(document).encode(), headers={**self.headers, **JSON})


Mutation = Callable[[Given], Given]
MUTATIONS: dict[str, Mutation] = {}


def mutation(change: Mutation) -> Mutation:
    MUTATIONS[change.__name__] = change
    return change


class WrongServer(httpx.BaseTransport):
    """A right server behind a mutation."""

    def __init__(self, right: httpx.BaseTransport, change: Mutation) -> None:
        self.right, self.change, self.wronged = right, change, False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self.right.handle_request(request)
        body = response.read()
        path, headers = request.url.path, dict(response.headers)
        told = (request.method, path, request.content, response.status_code, body, headers, self.wronged)
        given = self.change(Given(*told))
        self.wronged = self.wronged or request.content == b"{}"
        kept = {key: value for key, value in given.headers.items() if key != "content-length"}
        return httpx.Response(given.status, content=given.body, headers=kept)  # without its stream: no connection known


def of_inference(change: Callable[[dict[str, Any], Given], object]) -> Mutation:
    """A change of the document of answered inference."""

    def mutate(given: Given) -> Given:
        if (
            given.is_error
            or not given.is_inference
            or not given.headers["content-type"].startswith(JSON["Content-Type"])
        ):
            return given
        document = given.document
        changed = change(document, given)
        return given.with_document(document if changed is None else changed)

    mutate.__name__ = change.__name__
    return mutation(mutate)


def of_metadata(change: Callable[[dict[str, Any]], None]) -> Mutation:
    """A change of the document of a model's or the server's metadata."""

    def mutate(given: Given) -> Given:
        if given.is_error or given.method != "GET" or "health" in given.path or given.path.endswith("/ready"):
            return given
        document = given.document
        change(document)
        return given.with_document(document)

    mutate.__name__ = change.__name__
    return mutation(mutate)


@mutation
def is_broken(given: Given) -> Given:
    return replace(given, status=500, body=b'{"error": "the insides"}')


@mutation
def answers_nothing(given: Given) -> Given:
    return replace(given, body=b"", headers={})


@mutation
def tells_errors_as_fastapi(given: Given) -> Given:
    return given.with_document({"detail": given.document["error"]}) if given.is_error else given


@mutation
def blames_itself(given: Given) -> Given:
    return replace(given, status=500) if given.is_error else given


@mutation
def takes_everything(given: Given) -> Given:
    made = {"outputs": [{}], "name": "all", "ready": True, "platform": "none"}
    return replace(given.with_document(made), status=200) if given.is_error else given


@mutation
def stays_down(given: Given) -> Given:
    return is_broken(given) if given.wronged else given


@of_inference
def forgets_ids(document: dict[str, Any], given: Given) -> None:
    document["id"] = 7


@of_inference
def is_nameless(document: dict[str, Any], given: Given) -> None:
    del document["model_name"]


@of_inference
def names_another_version(document: dict[str, Any], given: Given) -> None:
    document["model_version"] = "of-yesterday"


@of_inference
def gives_a_row_less(document: dict[str, Any], given: Given) -> None:
    for output in document["outputs"]:
        output["shape"][0] -= 1


@of_inference
def gives_texts(document: dict[str, Any], given: Given) -> None:
    for output in document["outputs"]:
        output["datatype"], output["data"] = "FP64", [str(value) for value in output["data"]]


@of_inference
def writes_nan(document: dict[str, Any], given: Given) -> None:
    document["outputs"][0]["data"][0] = float("nan")


@of_inference
def has_its_own_datatypes(document: dict[str, Any], given: Given) -> None:
    document["outputs"][0]["datatype"] = "TEXT"


@of_inference
def gives_more_than_was_asked(document: dict[str, Any], given: Given) -> None:
    more = {"name": "more", "shape": [2], "datatype": "FP64", "data": [1.0, 2.0]}
    document["outputs"].append(more)


_calls = iter(range(1 << 30))


@of_inference
def never_says_the_same(document: dict[str, Any], given: Given) -> None:
    for output in document["outputs"]:
        output["data"] = [f"{value} {next(_calls)}" for value in output["data"]]


@of_metadata
def has_empty_metadata(document: dict[str, Any]) -> None:
    document.update(inputs=[], outputs=[])


@of_metadata
def has_wrong_metadata(document: dict[str, Any]) -> None:
    wrong = [{"name": "", "shape": "any", "datatype": "number"}]
    document.update(inputs=wrong, outputs=wrong, extensions="none", platform=3, version=1)


@of_metadata
def lists_versions_that_are_not_there(document: dict[str, Any]) -> None:
    if "versions" in document:
        document["versions"] = ["of-tomorrow"]


class WrongGrpc(GrpcClient):
    """A right server of gRPC that is wrong in one way."""

    def __init__(self, right: GrpcClient, way: str) -> None:
        super().__init__(right.channel)
        self.way = way

    def call(self, method: str, request: Any) -> Any:
        if self.way == "blames itself":
            raise RefusalError(grpc.StatusCode.INTERNAL, "the insides")
        if self.way == "says nothing":
            return message_class(f"{method}Response")()
        try:
            return super().call(method, request)
        except RefusalError:
            return message_class(f"{method}Response")()


GRPC_WAYS = ("blames itself", "says nothing", "takes everything")
