"""The OpenAPI document of what is served now, with each model's own columns and one of its golden rows as example."""

from typing import Any

from evermodel.artifact.signature import ClassLabel, ColumnSignature, Signature
from evermodel.serving.engine import ServedModel
from evermodel.serving.protocol.reasons import COVERAGE, COVERED
from evermodel.serving.protocol.v2 import output_names
from evermodel.serving.registry import Registry

Document = dict[str, Any]

_ERROR = {
    "description": "What was wrong, in one sentence.",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
}
_ERRORS = dict.fromkeys(("400", "404", "405", "408", "413", "415", "503"), _ERROR)
_HEADERS = {
    "Evermodel-Request-Id": {"schema": {"type": "string"}, "description": "Id of the request, for feedback."},
    "Evermodel-Version": {"schema": {"type": "string"}, "description": "Version that answered."},
}

_COVERAGE = {
    "type": "number",
    "exclusiveMinimum": 0,
    "exclusiveMaximum": 1,
    "default": COVERAGE,
    "description": f"How often the truth is to be inside; for {' and '.join(sorted(COVERED))}.",
}


def openapi_document(registry: Registry, version: str) -> Document:
    """The OpenAPI 3.1 document; `version` is that of the server."""
    paths: Document = {
        "/v2": _get("Metadata of the server"),
        "/v2/health/live": _get("Whether the server lives"),
        "/v2/health/ready": _get("Whether every model was verified and answers"),
        "/v2/models": _get("Names of the models"),
        "/metrics": _get("Metrics for Prometheus", "text/plain"),
    }
    schemas: Document = {
        "Error": {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}}
    }
    for name in registry.names:
        served = registry.find(name).served
        schemas[f"{name}.Row"] = _row_schema(served.signature)
        paths.update(_model_paths(served))
    if len(registry.names) == 1:
        served = registry.only().served
        paths["/v2/model/{values}/prediction"] = _values_operation(served)
    info = {"title": "Evermodel", "version": version, "description": _description(registry)}
    return {"openapi": "3.1.0", "info": info, "paths": paths, "components": {"schemas": schemas}}


def _description(registry: Registry) -> str:
    served = [f"{name} ({registry.find(name).served.version})" for name in registry.names]
    return f"Models that answer here: {', '.join(served) or 'none yet'}."


def _model_paths(served: ServedModel) -> Document:
    name = served.model
    infer = _post("Answer rows (Open Inference Protocol)", _infer_schema(served), _infer_example(served))
    _with_tables(infer, bytes_too=True)
    metadata = _get(f"Metadata of {name}")
    row = {"$ref": f"#/components/schemas/{name}.Row"}
    instances = {
        "type": "object",
        "required": ["instances"],
        "properties": {"instances": {"type": "array", "items": row}, **_explain_schema(served)},
    }
    feedback = {
        "type": "object",
        "required": ["id", "truth"],
        "properties": {"id": {"type": "string"}, "row": {"type": "integer"}, "truth": _truth_schema(served.signature)},
    }
    return {
        f"/v2/models/{name}": metadata,
        f"/v2/models/{name}/ready": _get(f"Whether {name} answers"),
        f"/v2/models/{name}/infer": infer,
        f"/v2/models/{name}/versions/{served.version}": metadata,
        f"/v2/models/{name}/versions/{served.version}/infer": infer,
        f"/v1/models/{name}:predict": _with_tables(
            _post("Answer rows", instances, {"instances": _example_objects(served)})
        ),
        f"/v2/model/{name}": _get(f"Card of {name}"),
        f"/v2/model/{name}/{{values}}/prediction": _values_operation(served),
        f"/v2/models/{name}/feedback": _post("Say later what was true", feedback, None),
    }


def _with_tables(path: Document, *, bytes_too: bool = False) -> Document:
    """Rows and answers as tables too, and of infer as JSON with tensors' bytes behind it."""
    operation = path["post"]
    kinds = ["text/csv", "application/vnd.apache.arrow.stream", *(["application/octet-stream"] if bytes_too else [])]
    for content in (operation["requestBody"]["content"], operation["responses"]["200"]["content"]):
        content.update({kind: {"schema": {"type": "string", "format": "binary"}} for kind in kinds})
    return path


def _infer_schema(served: ServedModel) -> Document:
    names = [*output_names(served.signature), *served.reasons.names]
    parameters = {"type": "object", "properties": {"coverage": _COVERAGE}}
    output = {
        "type": "object",
        "required": ["name"],
        "properties": {"name": {"enum": names}, "parameters": parameters},
    }
    return {
        "type": "object",
        "required": ["inputs"],
        "properties": {
            "inputs": {"type": "array", "items": {"type": "object"}},
            "outputs": {"type": "array", "items": output, "description": "What to answer; reasons only when named."},
        },
    }


def _explain_schema(served: ServedModel) -> Document:
    reasons = {"type": "array", "items": {"enum": list(served.reasons.names)}, "description": "Reasons to answer too."}
    return {"explain": reasons, "coverage": _COVERAGE}


def _get(summary: str, content_type: str = "application/json") -> Document:
    answer = {"description": summary, "headers": _HEADERS, "content": {content_type: {}}}
    return {"get": {"summary": summary, "responses": {"200": answer, **_ERRORS}}}


def _post(summary: str, schema: Document, example: object) -> Document:
    content: Document = {"schema": schema}
    if example is not None:
        content["example"] = example
    answer = {"description": "The answer.", "headers": _HEADERS, "content": {"application/json": {}}}
    body = {"required": True, "content": {"application/json": content}}
    return {"post": {"summary": summary, "requestBody": body, "responses": {"200": answer, **_ERRORS}}}


def _values_operation(served: ServedModel) -> Document:
    operation = _get(f"Answer one row, its values in the order {', '.join(served.signature.names)}")
    parameter: Document = {"name": "values", "in": "path", "required": True, "schema": {"type": "string"}}
    if rows := served.documents.golden.rows:
        parameter["example"] = ",".join("" if cell is None else str(cell) for cell in rows[0])
    operation["get"]["parameters"] = [parameter]
    return operation


def _row_schema(signature: Signature) -> Document:
    properties = {column.name: _column_schema(column) for column in signature.columns}
    return {"type": "object", "required": signature.names, "additionalProperties": False, "properties": properties}


def _column_schema(column: ColumnSignature) -> Document:
    types = ["null"] if column.takes_missing else []
    if column.kind == "number":
        seen = "" if column.min is None else f"Seen in training: {column.min:g} to {column.max:g}."
        return {"type": ["number", *types], "description": seen}
    if column.datatype == "BOOL":
        return {"type": ["boolean", *types], "description": "A category: true or false."}
    written = ["string"] if column.datatype == "BYTES" else ["number", "string"]
    return {"type": [*written, *types], "description": "A category.", "examples": column.levels[:20]}


def _truth_schema(signature: Signature) -> Document:
    return {"enum": signature.classes} if signature.classes else {"type": "number"}


def _example_objects(served: ServedModel) -> list[dict[str, Any]]:
    return [dict(zip(served.signature.names, row, strict=True)) for row in served.documents.golden.rows[:1]]


def _infer_example(served: ServedModel) -> Document | None:
    rows = served.documents.golden.rows
    if not rows:
        return None
    columns = zip(served.signature.columns, rows[0], strict=True)
    return {"inputs": [_input(column, cell) for column, cell in columns]}


def _input(column: ColumnSignature, cell: ClassLabel | None) -> Document:
    text = column.datatype == "BYTES" and cell is not None and not isinstance(cell, str)
    return {"name": column.name, "shape": [1], "datatype": column.datatype, "data": [str(cell) if text else cell]}
