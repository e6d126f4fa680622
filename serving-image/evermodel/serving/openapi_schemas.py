"""The schemas of the OpenAPI document: what goes in and comes out, for all models and for each."""

import re
from collections.abc import Sequence
from typing import Any

from evermodel.artifact.signature import ColumnSignature, Signature
from evermodel.serving.limits import Limits
from evermodel.serving.protocol.reasons import COVERAGE, COVERED
from evermodel.serving.protocol.v2 import label_datatype, output_names

Document = dict[str, Any]

FAULTS = {
    "400": "BadRequest",
    "401": "Unauthorized",
    "404": "NotFound",
    "405": "MethodNotAllowed",
    "408": "RequestTimeout",
    "413": "TooLarge",
    "415": "UnsupportedMediaType",
    "500": "InternalError",
    "503": "Unavailable",
}
"""Names of the responses that are errors, by their status."""
_MEANINGS = {
    "400": "The request is not understood, or a value does not fit; the sentence names row and column.",
    "401": "An API key is needed, or is not known.",
    "404": "There is no such model, version or path.",
    "405": "The path is there, but not for this method.",
    "408": "The body did not arrive in time.",
    "413": "The body is too large, or there are too many rows.",
    "415": "The body is encoded in a way that is not read here.",
    "500": "The server failed; its log has the cause under the request's id.",
    "503": "Not now: still loading, too much to do, or about to end. The same request may be sent again.",
}
_EXTRA_HEADERS = {"401": "WWW-Authenticate", "405": "Allow", "503": "Retry-After"}
_LEVELS = 20

ANSWER_HEADERS: Document = {
    "Evermodel-Request-Id": {"schema": {"type": "string"}, "description": "Id of the request, for labels and logs."},
    "Evermodel-Version": {"schema": {"type": "string"}, "description": "Version that answered."},
    "Retry-After": {"schema": {"type": "integer", "minimum": 1}, "description": "Seconds to wait."},
    "Allow": {"schema": {"type": "string"}, "description": "Methods that the path takes."},
    "WWW-Authenticate": {"schema": {"type": "string"}, "description": "How to send a key."},
}


def reference(kind: str, name: str) -> Document:
    """A reference to a component."""
    return {"$ref": f"#/components/{kind}/{name}"}


def header_references(*names: str) -> Document:
    """Headers of a response, by reference."""
    return {name: reference("headers", name) for name in names}


def names_of_schemas(models: Sequence[str]) -> dict[str, str]:
    """What the schemas of each model are called: components take fewer characters than names of folders.

    >>> names_of_schemas(["heart", "my model", "my+model"])
    {'heart': 'heart', 'my model': 'my_model', 'my+model': 'my_model_2'}
    """
    names: dict[str, str] = {}
    for model in models:
        plain = re.sub(r"[^A-Za-z0-9._-]", "_", model)
        taken = set(names.values())
        number = next(n for n in range(1, len(taken) + 2) if (plain if n == 1 else f"{plain}_{n}") not in taken)
        names[model] = plain if number == 1 else f"{plain}_{number}"
    return names


def fault_responses() -> Document:
    """Every response that is an error."""
    responses: Document = {}
    for status, name in FAULTS.items():
        extra = [_EXTRA_HEADERS[status]] if status in _EXTRA_HEADERS else []
        headers = header_references("Evermodel-Request-Id", "Evermodel-Version", *extra)
        content = {"application/json": {"schema": reference("schemas", "Error")}}
        responses[name] = {"description": _MEANINGS[status], "headers": headers, "content": content}
    return responses


def _object(required: Sequence[str] = (), /, **properties: Document) -> Document:
    return {"type": "object", "required": list(required or properties), "properties": properties}


_TEXT: Document = {"type": "string"}
_ID: Document = {"type": "string", "minLength": 1, "maxLength": 128, "pattern": "^[!-~]+$"}


def common_schemas(limits: Limits) -> Document:
    """Schemas that do not depend on the model."""
    datatypes = ["BOOL", "INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64", "FP32", "FP64"]
    tensor = _object(
        name={"type": "string", "minLength": 1},
        datatype={"enum": [*datatypes, "BYTES"]},
        shape={"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 1, "maxItems": 2},
        data={"type": "array", "description": "Values, row after row; nested lists are taken too."},
    )
    names = {"type": "array", "items": _TEXT}
    tensors = {"type": "array", "items": {"type": "object"}}
    return {
        "Error": {**_object(error=_TEXT), "additionalProperties": False},
        "ServerMetadata": _object(name=_TEXT, version=_TEXT, extensions=names),
        "Live": _object(live={"const": True}),
        "Ready": _object(["ready"], name=_TEXT, ready={"const": True}),
        "Models": _object(models=names),
        "ModelMetadata": _object(
            name=_TEXT, versions=names, platform=_TEXT, inputs=tensors, outputs=tensors, properties={"type": "object"}
        ),
        "Card": _object(
            model_name=_TEXT,
            model_version=_TEXT,
            algorithm=_TEXT,
            target=_TEXT,
            digest=_TEXT,
            columns=tensors,
            metrics={"type": "object", "additionalProperties": {"type": "number"}},
        ),
        "Tensor": tensor,
        "Accepted": _object(
            accepted={"type": "integer", "maximum": limits.rows}, model_name=_TEXT, model_version=_TEXT
        ),
    }


_COVERAGE: Document = {
    "type": "number",
    "exclusiveMinimum": 0,
    "exclusiveMaximum": 1,
    "default": COVERAGE,
    "description": f"How often the truth is to be inside; for {' and '.join(sorted(COVERED))}.",
}


def model_schemas(name: str, signature: Signature, limits: Limits, reasons: Sequence[str]) -> Document:
    """Schemas of one model, `name` in front of each; `reasons` are those that it can give."""
    rows: Document = {"type": "array", "minItems": 1, "maxItems": limits.rows}
    answered = {"model_name": _TEXT, "model_version": _TEXT, "id": _TEXT}
    label = label_schema(signature)
    predictions = {"predictions": {"type": "array", "items": label}, **answered}
    prediction = {"prediction": label, **answered}
    if signature.classes:
        predictions["probabilities"] = {"type": "array", "items": _shares(signature)}
        prediction["probabilities"] = _shares(signature)
    either = {"oneOf": [reference("schemas", f"{name}.Row"), reference("schemas", f"{name}.Values")]}
    return {
        f"{name}.Row": row_schema(signature),
        f"{name}.Values": _values_schema(signature),
        f"{name}.Instances": _object(
            ["instances"], instances={**rows, "items": either}, id=_ID, explain=_explain(reasons), coverage=_COVERAGE
        ),
        f"{name}.Predictions": _object(**predictions),
        f"{name}.Prediction": _object(**prediction),
        f"{name}.InferRequest": _infer_request(signature, reasons),
        f"{name}.InferAnswer": _object(**answered, outputs={"type": "array", "items": _output(signature, reasons)}),
        f"{name}.Label": _label(label),
        f"{name}.Labels": _one_or_many(reference("schemas", f"{name}.Label"), limits.rows),
    }


def _explain(reasons: Sequence[str]) -> Document:
    return {"type": "array", "items": {"enum": list(reasons)}, "description": "Reasons to answer too."}


def _infer_request(signature: Signature, reasons: Sequence[str]) -> Document:
    width = len(signature.columns)
    order = ", ".join(signature.names)
    inputs = {
        "type": "array",
        "items": reference("schemas", "Tensor"),
        "minItems": 1,
        "description": f"One input of the shape [rows] for each column ({order}), in any order; or one input of the "
        f"shape [rows, {width}] with the values in this order.",
    }
    parameters = {"type": "object", "properties": {"coverage": _COVERAGE}}
    names = {"enum": [*output_names(signature), *reasons]}
    output = _object(["name"], name=names, parameters=parameters)
    outputs = {"type": "array", "items": output, "description": "What to answer; reasons only where they are named."}
    return _object(["inputs"], inputs=inputs, outputs=outputs, id=_ID)


def _output(signature: Signature, reasons: Sequence[str]) -> Document:
    return _object(
        name={"enum": [*output_names(signature), *reasons]},
        datatype={"enum": sorted({label_datatype(signature.classes), "FP64", "BOOL"})},
        shape={"type": "array", "items": {"type": "integer"}},
        data={"type": "array"},
    )


def _label(truth: Document) -> Document:
    many = {"type": "array", "items": {"anyOf": [truth, {"type": "null"}]}}
    described = "What was true, or a list with the truth of each row of the request (null where it is not known)."
    schema = _object(
        ["id", "truth"],
        id={**_ID, "description": "Id of the request that was answered."},
        row={"type": "integer", "minimum": 0, "description": "Which row of it; not beside a list."},
        truth={"anyOf": [truth, many], "description": described},
    )
    return {**schema, "additionalProperties": False}


def _one_or_many(schema: Document, most: int) -> Document:
    return {"oneOf": [schema, {"type": "array", "items": schema, "minItems": 1, "maxItems": most}]}


def label_schema(signature: Signature) -> Document:
    """What the model answers to one row, and what may have been true."""
    return {"enum": signature.classes} if signature.classes else {"type": "number"}


def _shares(signature: Signature) -> Document:
    count = len(signature.classes)
    order = ", ".join(map(str, signature.classes))
    share = {"type": "number", "minimum": 0, "maximum": 1}
    described = f"Probability of each class: {order}."
    return {"type": "array", "items": share, "minItems": count, "maxItems": count, "description": described}


def row_schema(signature: Signature) -> Document:
    """A row as an object by column name."""
    properties = {column.name: column_schema(column) for column in signature.columns}
    return {"type": "object", "required": signature.names, "additionalProperties": False, "properties": properties}


def _values_schema(signature: Signature) -> Document:
    width = len(signature.columns)
    values = [{**column_schema(column), "title": column.name} for column in signature.columns]
    return {"type": "array", "prefixItems": values, "minItems": width, "maxItems": width}


def column_schema(column: ColumnSignature) -> Document:
    """What a column takes."""
    types = ["null"] if column.takes_missing else []
    also = "" if column.takes_missing else " The model does not answer without it."
    if column.kind == "number":
        seen = "" if column.min is None else f" Seen in training: {column.min:g} to {column.max:g}."
        return {"type": ["number", *types], "description": f"A number.{seen}{also}"}
    if column.datatype == "BOOL":
        return {"type": ["boolean", *types], "description": f"True or false.{also}"}
    if column.format is not None:
        described = f"A date, or a date with a time, in ISO 8601.{also}"
        return {"type": ["string", *types], "format": column.format, "description": described}
    written = ["string"] if column.datatype == "BYTES" else ["number", "string"]
    more = len(column.levels) - _LEVELS
    rest = f" and {more} more" if more > 0 else ""
    described = (
        f"A category. Seen in training: {', '.join(column.levels[:_LEVELS])}{rest}; others are answered too.{also}"
    )
    return {"type": [*written, *types], "description": described, "examples": column.levels[:_LEVELS]}


def values_parameter(signature: Signature) -> Document:
    """The path parameter with values by position."""
    width = len(signature.columns)
    values = [_value_schema(column) for column in signature.columns]
    return {
        "name": "values",
        "in": "path",
        "required": True,
        "style": "simple",
        "explode": False,
        "description": f"In this order: {', '.join(signature.names)}. An empty value is missing; a comma inside "
        "a value is written %2C.",
        "schema": {"type": "array", "prefixItems": values, "minItems": width, "maxItems": width},
    }


def _value_schema(column: ColumnSignature) -> Document:
    """What a column takes in a path."""
    if column.kind == "number":
        schema: Document = {"type": "number"}
    elif column.datatype == "BOOL":
        schema = {"type": "boolean"}
    elif column.format is not None:
        schema = {"type": "string", "format": column.format}
    else:
        schema = {"type": "string", "minLength": 1, "examples": column.levels[:_LEVELS]}
    return {"anyOf": [schema, {"const": ""}], "title": column.name} if column.takes_missing else schema
