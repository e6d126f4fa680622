"""The page at `/docs`: every path of the OpenAPI document, what it takes and answers, and commands that work."""

import json
from typing import Any
from urllib.parse import quote

from evermodel.page import Html, element, join, table
from evermodel.serving.openapi_schemas import Document
from evermodel.serving.page import document, navigation

_FIRST = "golden-0"
_HERE = "http://127.0.0.1:5050"
"""Where commands ask; the page's script writes the address there that the page has."""


def docs_page(openapi: Document) -> str:
    """The page."""
    tags = [tag["name"] for tag in openapi["tags"]]
    asks_for_keys = "security" in openapi
    parts = [_intro(openapi, asks_for_keys=asks_for_keys)]
    for tag in tags[1:] + tags[:1]:
        found = [
            _operation(openapi, path, method, operation, asks_for_keys=asks_for_keys)
            for path, operations in openapi["paths"].items()
            for method, operation in operations.items()
            if tag in operation["tags"]
        ]
        parts.append(element("section", element("h2", element("bdi", tag)), *found))
    parts.append(_faults(openapi))
    return document("API", navigation("/docs"), *parts)


def _intro(openapi: Document, *, asks_for_keys: bool) -> Html:
    key = "Requests need an API key: Authorization: Bearer KEY, or X-API-Key: KEY. " if asks_for_keys else ""
    return element(
        "section",
        element("h1", "API"),
        element("p", openapi["info"]["description"], class_="lead"),
        element("p", key, "Every error is ", element("code", '{"error": "sentence"}'), "."),
    )


def _operation(openapi: Document, path: str, method: str, operation: Document, *, asks_for_keys: bool) -> Html:
    title = element(
        "summary",
        element("span", method.upper(), class_="method"),
        " ",
        element("code", path),
        " ",
        element("span", operation["summary"], class_="hint"),
    )
    needs_key = asks_for_keys and operation.get("security") != []
    command = _command(path, operation, needs_key=needs_key)
    answer = _first(next(iter(operation["responses"]["200"]["content"].values())))
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    row = _row_schema(openapi, body.get("schema", {}))
    return element(
        "details",
        title,
        *(element("p", parameter["description"]) for parameter in operation.get("parameters", []) if "in" in parameter),
        element("h3", "Request"),
        element("pre", command, tabindex=0, data_command=True),
        join([element("h3", "Answer"), element("pre", _json(answer), tabindex=0)]) if answer is not None else None,
        _columns(row) if row else None,
        class_="operation",
    )


def _command(path: str, operation: Document, *, needs_key: bool) -> str:
    for parameter in operation.get("parameters", []):
        if parameter.get("name") == "values" and "examples" in parameter:
            values = parameter["examples"][_FIRST]["value"]
            path = path.replace("{values}", ",".join(quote(_plain(value), safe="") for value in values))
    lines = [f"curl {_quoted(_HERE + path)}"]
    if needs_key:
        lines.append('  -H "Authorization: Bearer $EVERMODEL_KEY"')
    body = _first(operation.get("requestBody", {}).get("content", {}).get("application/json", {}))
    if body is not None:
        lines += ["  -H 'Content-Type: application/json'", f"  -d {_quoted(json.dumps(body, ensure_ascii=False))}"]
    return " \\\n".join(lines)


def _plain(value: object) -> str:
    """A value as it stands in a path."""
    return value if isinstance(value, str) else json.dumps(value)


def _quoted(words: str) -> str:
    return "'" + words.replace("'", "'\\''") + "'"


def _first(content: Document) -> Any:
    return content.get("examples", {}).get(_FIRST, {}).get("value")


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1)


def _row_schema(openapi: Document, schema: Document) -> Document | None:
    """The schema of a row, where a body holds rows by name."""
    name = schema.get("$ref", "").rpartition("/")[2]
    found = openapi["components"]["schemas"].get(f"{name.removesuffix('.Instances')}.Row")
    return found if name.endswith(".Instances") else None


def _columns(row: Document) -> Html:
    rows = [
        (element("bdi", name), ", ".join(column["type"]), column["description"])
        for name, column in row["properties"].items()
    ]
    return join([element("h3", "Columns"), table(("Column", "JSON", "What it takes"), rows)])


def _faults(openapi: Document) -> Html:
    rows = []
    for operation in openapi["paths"].values():
        for details in operation.values():
            rows += [
                (status, response["$ref"].rpartition("/")[2])
                for status, response in details["responses"].items()
                if "$ref" in response
            ]
    described = openapi["components"]["responses"]
    lines = [(status, described[name]["description"]) for status, name in sorted(set(rows))]
    return element("section", element("h2", "Errors"), table(("Status", "What it means"), lines))
