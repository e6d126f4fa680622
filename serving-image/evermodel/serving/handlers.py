"""What each route answers. Knows nothing of HTTP's wire: a route and what is known of a request in, a reply out."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import orjson

from evermodel.serving import feedback, repository
from evermodel.serving.card import card, properties
from evermodel.serving.counters import READY_ONCE
from evermodel.serving.exchange import Exchange, Reply
from evermodel.serving.faults import NotFoundError, UnavailableError
from evermodel.serving.forms import Form
from evermodel.serving.inference import Inference
from evermodel.serving.limits import STANDARD, Limits
from evermodel.serving.metrics import CONTENT_TYPE, Metrics
from evermodel.serving.protocol import v2
from evermodel.serving.registry import Hosted, Registry, State
from evermodel.serving.routes import Name, Route
from evermodel_api import __version__


class Handlers:
    """Answers routes from the registry."""

    def __init__(
        self,
        registry: Registry,
        inference: Inference,
        metrics: Metrics,
        now: Callable[[], int],
        limits: Limits = STANDARD,
    ) -> None:
        self._registry = registry
        self._inference = inference
        self._metrics = metrics
        self._now = now
        self._limits = limits
        self._answered: dict[Name, Callable[[Route, Exchange], Awaitable[Reply]]] = {
            Name.INFER: self.predict,
            Name.V1_PREDICT: self.predict,
            Name.VALUES: self.predict,
            Name.FEEDBACK: self._feedback,
            Name.METRICS: self._show_metrics,
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
            Name.REPOSITORY: self._index,
            Name.LOAD: self._refuse_change,
            Name.UNLOAD: self._refuse_change,
        }

    async def handle(self, route: Route, exchange: Exchange) -> Reply:
        """Answer a request.

        Raises:
            RequestError: what to tell the client instead.
        """
        if answer := self._answered.get(route.name):
            return await answer(route, exchange)
        return Reply(orjson.dumps(self.tell(route, exchange)))

    def tell(self, route: Route, exchange: Exchange) -> Any:
        """The document that answers what asks for no prediction.

        Raises:
            RequestError: what to tell the client instead.
        """
        return self._told[route.name](route, exchange)

    async def predict(self, route: Route, exchange: Exchange, form: Form | None = None) -> Reply:
        """Answer rows; `form` is that of the route and the headers when not given.

        Raises:
            RequestError: what to tell the client instead.
        """
        return await self._inference.answer(route, self.find(route, exchange), exchange, form)

    def find(self, route: Route, exchange: Exchange) -> Hosted:
        """The version that a route asks, noted in the exchange.

        Raises:
            RequestError: there is none.
        """
        hosted = self._registry.find_asked(route)
        exchange.version = hosted.served.version
        return hosted

    async def _show_metrics(self, _route: Route, _exchange: Exchange) -> Reply:
        self._metrics.publish()
        return Reply(await asyncio.to_thread(self._metrics.render), CONTENT_TYPE)

    async def _feedback(self, route: Route, exchange: Exchange) -> Reply:
        hosted = self.find(route, exchange)
        if hosted.feedback is None:
            raise NotFoundError("labels are not kept here; set spec.feedback.enabled, or give the server a --store")
        moment = datetime.fromtimestamp(self._now() / 1e6, UTC)
        labels = feedback.parse(exchange.body, hosted.served.signature, moment, self._limits.rows)
        hosted.feedback.put(labels)
        served = hosted.served
        accepted = {"accepted": len(labels), "model_name": served.model, "model_version": served.version}
        return Reply(orjson.dumps(accepted))

    def _server(self, _route: Route, _exchange: Exchange) -> dict[str, Any]:
        return {"name": "evermodel", "version": __version__, "extensions": ["binary_tensor_data", "model_repository"]}

    def _index(self, _route: Route, exchange: Exchange) -> list[dict[str, Any]]:
        return repository.index(self._registry, ready=repository.only_ready(exchange.body))

    def _refuse_change(self, route: Route, exchange: Exchange) -> dict[str, Any]:
        raise repository.refused_change(self.find(route, exchange).served.model)

    def _ready(self, _route: Route, _exchange: Exchange) -> dict[str, Any]:
        if self._registry.state is State.DRAINING:
            raise UnavailableError("not ready: the server is about to end; connect to another one")
        if self._registry.state is State.LOADING or not all(self._metrics.counters.all_of(READY_ONCE)):
            raise UnavailableError("not ready: the model is still being loaded")
        return {"ready": True}

    def _model_ready(self, route: Route, exchange: Exchange) -> dict[str, Any]:
        hosted = self.find(route, exchange)
        return {"name": hosted.served.model, **self._ready(route, exchange)}

    def _metadata(self, route: Route, exchange: Exchange) -> dict[str, Any]:
        served = self.find(route, exchange).served
        versions = self._registry.versions(served.model)
        return v2.model_metadata(served.model, versions, served.signature, properties(served), served.reasons.outputs())

    def _card(self, route: Route, exchange: Exchange) -> dict[str, Any]:
        hosted = self.find(route, exchange)
        return card(hosted, self._registry.versions(hosted.served.model))
