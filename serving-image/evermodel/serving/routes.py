"""Which path means what. Pure: a method and a raw path in, a route out.

Paths are split before they are decoded, so that a name or a value may hold an encoded slash or comma.
"""

from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import unquote

from evermodel.serving.faults import MethodError, NotFoundError


class Name(StrEnum):
    """What a request asks for; also the `route` label of the metrics."""

    SERVER = "server_metadata"
    LIVE = "live"
    READY = "ready"
    MODELS = "models"
    MODEL = "model_metadata"
    MODEL_READY = "model_ready"
    INFER = "infer"
    V1_MODELS = "v1_models"
    V1_MODEL = "v1_model"
    V1_PREDICT = "v1_predict"
    VALUES = "values"
    CARD = "card"
    FEEDBACK = "feedback"
    REPOSITORY = "repository_index"
    LOAD = "repository_load"
    UNLOAD = "repository_unload"
    METRICS = "metrics"
    PAGE = "page"


@dataclass(frozen=True, slots=True)
class Route:
    """What a request asks for."""

    name: Name
    model: str | None = None
    """Name of the model; None for the only one."""
    version: str | None = None
    """Name or number of the version; None for the newest."""
    values: str = ""
    """Values by position, still percent-encoded."""
    page: str = ""
    """Name of the page, without slashes."""


_PAGES = frozenset({"", "docs", "openapi.json"})
_POSTED = frozenset({Name.INFER, Name.V1_PREDICT, Name.FEEDBACK, Name.REPOSITORY, Name.LOAD, Name.UNLOAD})


def match(method: str, raw_path: str) -> Route:
    """Find the route of a request. HEAD is answered as GET, and a slash at the end changes nothing.

    Raises:
        NotFoundError: no such path.
        MethodError: the path is there, but not for this method.
    """
    route = _match_path(raw_path)
    if route is None:
        raise NotFoundError(f"there is nothing at {unquote(raw_path)[:200]}; /docs says what there is")
    if route.name in _POSTED:
        if method != "POST":
            raise MethodError(method, "POST")
    elif method not in ("GET", "HEAD"):
        raise MethodError(method, "GET or HEAD")
    return route


def _match_path(raw_path: str) -> Route | None:
    trimmed = raw_path[:-1] if raw_path.endswith("/") and len(raw_path) > 1 else raw_path
    parts = trimmed.split("/")[1:]
    if len(parts) <= 1:
        return _match_top(parts[0]) if parts else None
    if parts[0] == "v2":
        return _match_v2(parts[1:])
    if parts[0] == "v1":
        return _match_v1(parts[1:])
    return None


def _match_top(part: str) -> Route | None:
    if part in _PAGES:
        return Route(Name.PAGE, page=part)
    name = {"v2": Name.SERVER, "metrics": Name.METRICS}.get(part)
    return Route(name) if name else None


_FIXED = {
    ("health", "live"): Name.LIVE,
    ("health", "ready"): Name.READY,
    ("models",): Name.MODELS,
    ("repository", "index"): Name.REPOSITORY,
}


def _match_v2(parts: list[str]) -> Route | None:
    match parts:
        case ["models", model, *rest] if model:
            return _match_model(unquote(model), rest)
        case ["model", values, "prediction"]:
            return Route(Name.VALUES, values=values)
        case ["model", model, values, "prediction"] if model:
            return Route(Name.VALUES, model=unquote(model), values=values)
        case ["model", model] if model:
            return Route(Name.CARD, model=unquote(model))
        case ["repository", "models", model, "load" | "unload" as change] if model:
            return Route(Name.LOAD if change == "load" else Name.UNLOAD, unquote(model))
    name = _FIXED.get(tuple(parts))
    return Route(name) if name else None


_OF_MODEL = {"infer": Name.INFER, "ready": Name.MODEL_READY, "feedback": Name.FEEDBACK}


def _match_model(model: str, rest: list[str]) -> Route | None:
    version: str | None = None
    if len(rest) >= 2 and rest[0] == "versions":
        version, rest = unquote(rest[1]), rest[2:]
    if not rest:
        return Route(Name.MODEL, model, version)
    name = _OF_MODEL.get(rest[0]) if len(rest) == 1 else None
    return Route(name, model, version) if name else None


def _match_v1(parts: list[str]) -> Route | None:
    match parts:
        case ["models"]:
            return Route(Name.V1_MODELS)
        case ["models", model] if model.endswith(":predict"):
            return Route(Name.V1_PREDICT, unquote(model.removesuffix(":predict")))
        case ["models", model] if model and ":" not in model:
            return Route(Name.V1_MODEL, unquote(model))
    return None
