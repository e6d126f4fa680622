"""FastAPI with the pages that people read. Made when the first person looks: machines never pay for it."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from evermodel.serving.limits import STANDARD, Limits
from evermodel.serving.registry import Registry
from evermodel_api import __version__

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]


class Pages:
    """An ASGI application that becomes FastAPI at its first request."""

    def __init__(self, registry: Registry, limits: Limits = STANDARD, *, asks_for_keys: bool = False) -> None:
        self._registry = registry
        self._limits = limits
        self._asks_for_keys = asks_for_keys
        self._application: Application | None = None

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Show a page."""
        if self._application is None:
            self._application = await asyncio.to_thread(
                make_pages, self._registry, self._limits, asks_for_keys=self._asks_for_keys
            )
        await self._application(scope, receive, send)


def make_pages(registry: Registry, limits: Limits = STANDARD, *, asks_for_keys: bool = False) -> Application:
    """The pages `/`, `/docs` and `/openapi.json`."""
    from fastapi import FastAPI  # noqa: PLC0415  a third of a second and 20 MiB that only readers of pages should pay
    from fastapi.responses import HTMLResponse, JSONResponse  # noqa: PLC0415

    from evermodel.serving.openapi import openapi_document  # noqa: PLC0415  as above
    from evermodel.serving.page import content_security_policy, front_page  # noqa: PLC0415
    from evermodel.serving.page_docs import docs_page  # noqa: PLC0415

    pages = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    headers = {"Content-Security-Policy": content_security_policy(), "X-Content-Type-Options": "nosniff"}

    def described() -> dict[str, Any]:
        return openapi_document(registry, __version__, asks_for_keys=asks_for_keys, limits=limits)

    @pages.api_route("/", methods=["GET", "HEAD"])
    async def front() -> HTMLResponse:
        return HTMLResponse(front_page(registry, asks_for_keys=asks_for_keys), headers=headers)

    @pages.api_route("/docs", methods=["GET", "HEAD"])
    async def docs() -> HTMLResponse:
        return HTMLResponse(docs_page(described()), headers=headers)

    @pages.api_route("/openapi.json", methods=["GET", "HEAD"])
    async def openapi() -> JSONResponse:
        return JSONResponse(described())

    application: Application = pages
    return application


def key_reply_body(sentence: str) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    """The page that asks for an API key, and its headers."""
    from evermodel.serving.page import content_security_policy, key_page  # noqa: PLC0415  only where a person looks

    policy = (b"content-security-policy", content_security_policy().encode())
    return key_page(sentence).encode(), [
        policy,
        (b"x-content-type-options", b"nosniff"),
        (b"cache-control", b"no-store"),
    ]
