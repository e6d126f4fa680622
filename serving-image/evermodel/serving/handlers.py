"""What each route answers. Knows nothing of HTTP's wire: a route and a body in, a reply out."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from evermodel.artifact.signature import Signature
from evermodel.serving import feedback
from evermodel.serving.card import card, properties
from evermodel.serving.faults import NotFoundError, UnavailableError
from evermodel.serving.metrics import CONTENT_TYPE, Metrics
from evermodel.serving.protocol import v1, v2, values
from evermodel.serving.protocol.answers import Answers, Question
from evermodel.serving.protocol.body import read_id, read_object
from evermodel.serving.registry import Hosted, Registry, State
from evermodel.serving.routes import Name, Route
from evermodel.serving.worker import Worker
from evermodel_api import __version__

JSON = b"application/json"


@dataclass(slots=True)
class Exchange:
    """One request and what is known of it so far, also when it ends in an error."""

    body: bytes
    id: str
    """The request id: the client's, or one that was made for it."""
    version: str = ""
    """Name of the version that was asked; empty where none was."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to one request."""

    body: bytes
    content_type: bytes = JSON


Parse = Callable[[Exchange, Signature], Question]
Format = Callable[[Answers, Signature, Question], bytes]


def _parse_v2(exchange: Exchange, signature: Signature) -> Question:
    document = read_object(exchange.body)
    exchange.id = read_id(document) or exchange.id
    return v2.parse(document, signature)


def _parse_v1(exchange: Exchange, signature: Signature) -> Question:
    document = read_object(exchange.body)
    exchange.id = read_id(document) or exchange.id
    return v1.parse(document, signature)


class Handlers:
    """Answers routes from the registry."""

    def __init__(self, registry: Registry, worker: Worker, metrics: Metrics, now: Callable[[], datetime]) -> None:
        self._registry = registry
        self._worker = worker
        self._metrics = metrics
        self._now = now
        self._answered: dict[Name, Callable[[Route, Exchange], Awaitable[Reply]]] = {
            Name.INFER: self._infer,
            Name.V1_PREDICT: self._v1_predict,
            Name.VALUES: self._values,
            Name.FEEDBACK: self._feedback,
        }
        self._told: dict[Name, Callable[[Route, Exchange], Any]] = {
            Name.SERVER: self._server,
            Name.LIVE: lambda _route, _exchange: {"live": True},
            Name.READY: self._ready,
            Name.MODELS: lambda _route, _exchange: {"models": self._registry.names},
            Name.MODEL: self._metadata,
            Name.MODEL_READY: self._model_ready,
            Name.V1_MODELS: lambda _route, _exchange: {"models": self._registry.names},
            Name.V1_MODEL: self._model_ready,
            Name.CARD: self._card,
        }

    async def handle(self, route: Route, exchange: Exchange) -> Reply:
        """Answer a request.

        Raises:
            RequestError: what to tell the client instead.
        """
        if answer := self._answered.get(route.name):
            return await answer(route, exchange)
        if route.name is Name.METRICS:
            return Reply(self._metrics.render(), CONTENT_TYPE)
        return Reply(orjson.dumps(self._told[route.name](route, exchange)))

    def _find(self, route: Route, exchange: Exchange) -> Hosted:
        hosted = self._registry.only() if route.model is None else self._registry.find(route.model, route.version)
        exchange.version = hosted.served.version
        return hosted

    async def _infer(self, route: Route, exchange: Exchange) -> Reply:
        return await self._predict(
            route, exchange, _parse_v2, lambda a, signature, q: v2.format_answers(a, signature, q.outputs)
        )

    async def _v1_predict(self, route: Route, exchange: Exchange) -> Reply:
        return await self._predict(route, exchange, _parse_v1, lambda a, _signature, _question: v1.format_answers(a))

    async def _values(self, route: Route, exchange: Exchange) -> Reply:
        return await self._predict(
            route,
            exchange,
            lambda _exchange, signature: values.parse(route.values, signature),
            lambda a, _signature, _question: values.format_answers(a),
        )

    async def _predict(self, route: Route, exchange: Exchange, parse: Parse, form: Format) -> Reply:
        """Parse, predict and format in a worker thread, so that even the largest body never holds the event loop."""
        hosted = self._find(route, exchange)
        served = hosted.served

        def work() -> tuple[Question, Answers, bytes]:
            question = parse(exchange, served.signature)
            found = served.engine.predict(question.columns)
            answers = Answers(found.labels, found.probabilities, exchange.id, served.model, served.version)
            return question, answers, form(answers, served.signature, question)

        question, answers, body = await self._worker.run(work)
        if hosted.log is not None:
            hosted.log.put(question, answers, self._now())
        self._metrics.observe_rows(served.version, question.rows)
        return Reply(body)

    async def _feedback(self, route: Route, exchange: Exchange) -> Reply:
        hosted = self._find(route, exchange)
        if hosted.feedback is None:
            raise NotFoundError("labels are not kept here; set spec.feedback.enabled, or give the server a --store")
        labels = feedback.parse(exchange.body, hosted.served.signature, self._now())
        hosted.feedback.put(labels)
        served = hosted.served
        accepted = {"accepted": len(labels), "model_name": served.model, "model_version": served.version}
        return Reply(orjson.dumps(accepted))

    def _server(self, _route: Route, _exchange: Exchange) -> dict[str, Any]:
        return {"name": "evermodel", "version": __version__, "extensions": []}

    def _ready(self, _route: Route, _exchange: Exchange) -> dict[str, Any]:
        if self._registry.state is State.LOADING:
            raise UnavailableError("not ready: the model is still being loaded")
        if self._registry.state is State.DRAINING:
            raise UnavailableError("not ready: the server is about to end; connect to another one")
        return {"ready": True}

    def _model_ready(self, route: Route, exchange: Exchange) -> dict[str, Any]:
        hosted = self._find(route, exchange)
        return {"name": hosted.served.model, **self._ready(route, exchange)}

    def _metadata(self, route: Route, exchange: Exchange) -> dict[str, Any]:
        served = self._find(route, exchange).served
        versions = self._registry.versions(served.model)
        return v2.model_metadata(served.model, versions, served.signature, properties(served))

    def _card(self, route: Route, exchange: Exchange) -> dict[str, Any]:
        hosted = self._find(route, exchange)
        return card(hosted, self._registry.versions(hosted.served.model))
