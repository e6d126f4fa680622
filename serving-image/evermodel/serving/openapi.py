"""The OpenAPI 3.1 document of what is served: each model's own columns, and its golden rows as examples that work."""

from urllib.parse import quote

from evermodel.serving.limits import STANDARD, Limits
from evermodel.serving.openapi_examples import MORE_HEADERS, GoldenExamples
from evermodel.serving.openapi_schemas import (
    ANSWER_HEADERS,
    FAULTS,
    Document,
    common_schemas,
    fault_responses,
    model_schemas,
    names_of_schemas,
    reference,
    values_parameter,
)
from evermodel.serving.registry import Hosted, Registry

_JSON = "application/json"
_WATCHERS = frozenset({"/v2/health/live", "/v2/health/ready", "/metrics"})
"""Answered without a key."""
_SECURITY: Document = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "Authorization: Bearer KEY"},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}


def openapi_document(
    registry: Registry, version: str, *, asks_for_keys: bool = False, limits: Limits = STANDARD
) -> Document:
    """The document.

    Args:
        registry: what is served.
        version: that of the server.
        asks_for_keys: whether requests need an API key.
        limits: how much one request may hold.
    """
    paths = _server_paths()
    schemas = common_schemas(limits)
    names = names_of_schemas(registry.names)
    for model in registry.names:
        hosted = registry.find(model)
        served = hosted.served
        schemas.update(model_schemas(names[model], served.signature, limits, served.reasons.names))
        paths.update(_model_paths(hosted, names[model], registry.versions(model)))
    if len(registry.names) == 1:
        hosted = registry.only()
        paths["/v2/model/{values}/prediction"] = _values(hosted, names[hosted.served.model], "only.values")
    components: Document = {"schemas": schemas, "headers": ANSWER_HEADERS, "responses": fault_responses()}
    components["parameters"] = {"RequestId": _REQUEST_ID}
    document: Document = {
        "openapi": "3.1.0",
        "info": {"title": "Evermodel", "version": version, "description": _description(registry)},
        "servers": [{"url": "/"}],
        "tags": [{"name": "server"}, *({"name": name} for name in registry.names)],
        "paths": paths,
        "components": components,
    }
    if asks_for_keys:
        _ask_for_keys(document)
    return document


_REQUEST_ID: Document = {
    "name": "Evermodel-Request-Id",
    "in": "header",
    "description": "An id of your own for the request: 1 to 128 printable ASCII characters without spaces. An id in "
    "the body wins over it; without either, or where it is none, one is made.",
    "schema": {"type": "string"},
}


def _description(registry: Registry) -> str:
    served = [f"{name} ({registry.find(name).served.version})" for name in registry.names]
    return (
        f"Models that answer here: {', '.join(served) or 'none yet'}. Every answer carries the headers "
        "Evermodel-Request-Id and Evermodel-Version. Missing values are null; rows count from 0; values without names "
        "come in the order of the signature."
    )


def _ask_for_keys(document: Document) -> None:
    document["components"]["securitySchemes"] = _SECURITY
    document["security"] = [{name: []} for name in _SECURITY]
    for path, operations in document["paths"].items():
        for operation in operations.values():
            if path in _WATCHERS:
                operation["security"] = []
            else:
                operation["responses"]["401"] = reference("responses", "Unauthorized")


def _server_paths() -> Document:
    text = {"text/plain": {"schema": {"type": "string"}}}
    return {
        "/v2": _get("server.metadata", "Metadata of the server", "ServerMetadata"),
        "/v2/health/live": _get("server.live", "Whether the server lives", "Live"),
        "/v2/health/ready": _get("server.ready", "Whether every model was verified and answers", "Ready", "503"),
        "/v2/models": _get("server.models", "Names of the models", "Models"),
        "/v1/models": _get("server.v1.models", "Names of the models", "Models"),
        "/metrics": {"get": _operation("server.metrics", "Metrics for Prometheus", "server", text)},
    }


def _model_paths(hosted: Hosted, schema: str, versions: list[str]) -> Document:
    served = hosted.served
    name, path = served.model, quote(served.model, safe="")
    metadata = ("ModelMetadata", "404", "503")
    paths: Document = {
        f"/v1/models/{path}:predict": _predict(hosted, schema),
        f"/v2/models/{path}/infer": _infer(hosted, schema, f"{schema}.infer"),
        f"/v2/model/{path}/{{values}}/prediction": _values(hosted, schema, f"{schema}.values"),
    }
    if hosted.feedback is not None:
        paths[f"/v2/models/{path}/feedback"] = _feedback(hosted, schema)
    paths |= {
        f"/v2/model/{path}": _get(f"{schema}.card", f"Card of {name}", "Card", "404", "503", tag=name),
        f"/v2/models/{path}": _get(f"{schema}.metadata", f"Metadata of {name}", *metadata, tag=name),
        f"/v2/models/{path}/ready": _get(f"{schema}.ready", f"Whether {name} answers", "Ready", "404", "503", tag=name),
        f"/v1/models/{path}": _get(f"{schema}.v1.ready", f"Whether {name} answers", "Ready", "404", "503", tag=name),
    }
    for version in versions:
        below, known = f"/v2/models/{path}/versions/{quote(version, safe='')}", f"{schema}.{version}"
        paths[below] = _get(f"{known}.metadata", f"Metadata of {version}", *metadata, tag=name)
        if version == served.version:
            paths[f"{below}/infer"] = _infer(hosted, schema, f"{known}.infer")
    return paths


def _get(identifier: str, summary: str, schema: str, *faults: str, tag: str = "server") -> Document:
    content = {_JSON: {"schema": reference("schemas", schema)}}
    return {"get": _operation(identifier, summary, tag, content, faults)}


def _operation(
    identifier: str, summary: str, tag: str, content: Document, faults: tuple[str, ...] = (), *, named: bool = False
) -> Document:
    """One operation; `named` lets the client name its request."""
    responses: Document = {"200": {"description": "The answer.", "headers": MORE_HEADERS, "content": content}}
    responses |= {status: reference("responses", FAULTS[status]) for status in (*faults, "500")}
    if not faults or "503" not in faults:
        responses["503"] = reference("responses", FAULTS["503"])
    operation: Document = {"operationId": identifier, "summary": summary, "tags": [tag], "responses": responses}
    if named:
        operation["parameters"] = [reference("parameters", "RequestId")]
    return operation


_BODY_FAULTS = ("400", "404", "405", "408", "413", "415", "503")


def _post(identifier: str, summary: str, tag: str, asked: Document, answer: Document) -> Document:
    operation = _operation(identifier, summary, tag, {_JSON: answer}, _BODY_FAULTS, named=True)
    operation["requestBody"] = {"required": True, "content": {_JSON: asked}}
    return {"post": operation}


def _predict(hosted: Hosted, schema: str) -> Document:
    examples = GoldenExamples(hosted.served)
    asked: Document = {"schema": reference("schemas", f"{schema}.Instances"), **examples.of(examples.instances)}
    answer: Document = {"schema": reference("schemas", f"{schema}.Predictions"), **examples.of(examples.predictions)}
    return _with_tables(_post(f"{schema}.predict", "Answer rows", hosted.served.model, asked, answer))


def _infer(hosted: Hosted, schema: str, identifier: str) -> Document:
    examples = GoldenExamples(hosted.served)
    asked: Document = {"schema": reference("schemas", f"{schema}.InferRequest"), **examples.of(examples.inputs)}
    answer: Document = {"schema": reference("schemas", f"{schema}.InferAnswer"), **examples.of(examples.outputs)}
    summary = "Answer rows (Open Inference Protocol)"
    return _with_tables(_post(identifier, summary, hosted.served.model, asked, answer), bytes_too=True)


def _with_tables(path: Document, *, bytes_too: bool = False) -> Document:
    """Rows and answers as tables too, and of infer as JSON with tensors' bytes behind it."""
    operation = path["post"]
    kinds = ["text/csv", "application/vnd.apache.arrow.stream", *(["application/octet-stream"] if bytes_too else [])]
    for content in (operation["requestBody"]["content"], operation["responses"]["200"]["content"]):
        content.update({kind: {"schema": {"type": "string", "format": "binary"}} for kind in kinds})
    return path


def _values(hosted: Hosted, schema: str, identifier: str) -> Document:
    examples, served = GoldenExamples(hosted.served), hosted.served
    answer: Document = {"schema": reference("schemas", f"{schema}.Prediction"), **examples.of(examples.prediction)}
    operation = _operation(
        identifier,
        "Answer one row, its values separated by commas",
        served.model,
        {_JSON: answer},
        ("400", "404", "405", "503"),
        named=True,
    )
    parameter = values_parameter(served.signature)
    operation["parameters"] = [{**parameter, **examples.of(examples.values)}, *operation["parameters"]]
    return {"get": operation}


def _feedback(hosted: Hosted, schema: str) -> Document:
    examples = GoldenExamples(hosted.served)
    accepted = {"schema": reference("schemas", "Accepted"), **examples.of(examples.accepted)}
    asked = {"schema": reference("schemas", f"{schema}.Labels"), **examples.of(examples.label)}
    return _post(f"{schema}.feedback", "Say later what was true", hosted.served.model, asked, accepted)
