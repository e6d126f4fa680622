"""The pages for people: what is served, what it takes, and a form to try it. Nothing is fetched from elsewhere.

Whatever comes from data (names, levels, values) is escaped, and the pages' policy lets no script run but ours.
"""

import json
from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha256
from html import escape
from importlib.resources import files
from typing import Any

from evermodel.artifact.signature import ColumnSignature
from evermodel.serving.card import card
from evermodel.serving.registry import Hosted, Registry

_MAX_OPTIONS = 200


def _asset(name: str) -> str:
    return files("evermodel.serving").joinpath("assets", name).read_text("utf-8")


def content_security_policy() -> str:
    """What a browser may do with the pages: our one style and one script, known by their hashes, and requests to us."""
    style, script = (
        f"'sha256-{b64encode(sha256(_asset(name).encode()).digest()).decode()}'" for name in ("page.css", "page.js")
    )
    return (
        f"default-src 'none'; style-src {style}; script-src {script}; connect-src 'self'; img-src data:;"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _text(value: object) -> str:
    return escape(f"{value:.4g}" if isinstance(value, float) else str(value), quote=True)


def document(title: str, body: str) -> str:
    """A whole page."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="icon" href="data:,"><title>{_text(title)}</title><style>{_asset("page.css")}</style></head>'
        f"<body><main>{body}</main><script>{_asset('page.js')}</script></body></html>"
    )


def front_page(registry: Registry) -> str:
    """The page at `/`: one section for each model."""
    sections = [_section(registry.find(name), registry.versions(name)) for name in registry.names]
    title = registry.names[0] if len(registry.names) == 1 else "Evermodel"
    nothing = "<section><p>The model is still being loaded; look again in a moment.</p></section>"
    links = '<nav><a href="/docs">API</a> <a href="/openapi.json">OpenAPI</a> <a href="/metrics">Metrics</a></nav>'
    return document(title, links + ("".join(sections) or nothing))


def _section(hosted: Hosted, versions: list[str]) -> str:
    about = card(hosted, versions)
    return (
        f'<section data-model="{_text(about["model_name"])}"><h1>{_text(about["model_name"])}</h1>'
        f"<p>{_text(about['algorithm'])} that answers <b>{_text(about['target'])}</b>"
        f" ({_text(about['task'])}), version <b>{_text(about['model_version'])}</b></p>"
        f"{_facts(about)}{_form(hosted, about.get('example', {}).get('row', {}))}</section>"
    )


def _facts(about: dict[str, Any]) -> str:
    facts: list[tuple[str, object]] = [*about["metrics"].items(), ("training rows", about["training_rows"])]
    if about["classes"]:
        facts.append(("classes", ", ".join(map(str, about["classes"]))))
    items = "".join(f"<div><dt>{_text(name)}</dt><dd>{_text(value)}</dd></div>" for name, value in facts)
    return f'<dl>{items}</dl><p class="digest">{_text(about["digest"])}</p>'


def _form(hosted: Hosted, example: dict[str, Any]) -> str:
    signature = hosted.served.signature
    prefix = hosted.served.model
    rows = "".join(_field(f"{prefix}-{n}", c, example.get(c.name)) for n, c in enumerate(signature.columns))
    classes = _text(json.dumps(signature.classes))
    head = "<tr><th>Column</th><th>Value</th><th>Seen in training</th></tr>"
    return (
        f'<form data-classes="{classes}"><table><thead>{head}</thead><tbody>{rows}</tbody></table>'
        "<p class='hint'>An empty value is missing.</p>"
        '<button type="submit">Predict</button><output role="status" aria-live="polite"></output></form>'
    )


def _field(identifier: str, column: ColumnSignature, value: object) -> str:
    name = _text(column.name)
    shown = "" if value is None else _text(json.dumps(value) if isinstance(value, bool | float | int) else value)
    common = (
        f'id="{_text(identifier)}" data-column="{name}" data-kind="{column.kind}" data-datatype="{column.datatype}"'
    )
    if column.kind == "number":
        field = f'<input {common} type="number" step="any" value="{shown}">'
        seen = "" if column.min is None else f"{column.min:g} to {column.max:g}"
    elif column.datatype == "BOOL":
        field = _select(common, ["true", "false"], shown)
        seen = "true, false"
    else:
        listed = f"{_text(identifier)}-levels"
        field = f'<input {common} type="text" list="{listed}" value="{shown}">{_options(listed, column.levels)}'
        seen = ", ".join(column.levels[:12]) + (" …" if len(column.levels) > 12 else "")
    return f'<tr><td><label for="{_text(identifier)}">{name}</label></td><td>{field}</td><td>{_text(seen)}</td></tr>'


def _select(common: str, levels: Iterable[str], chosen: str) -> str:
    options = "".join(f"<option{' selected' if level == chosen else ''}>{_text(level)}</option>" for level in levels)
    return f'<select {common}><option value=""></option>{options}</select>'


def _options(identifier: str, levels: list[str]) -> str:
    options = "".join(f'<option value="{_text(level)}"></option>' for level in levels[:_MAX_OPTIONS])
    return f'<datalist id="{identifier}">{options}</datalist>'


def docs_page(openapi: dict[str, Any]) -> str:
    """The page at `/docs`: every path of the OpenAPI document, with its example."""
    operations = "".join(_operation(path, operation) for path, operation in openapi["paths"].items())
    links = '<nav><a href="/">Try it</a> <a href="/openapi.json">OpenAPI</a></nav>'
    intro = (
        f"<h1>API</h1><p>{_text(openapi['info']['description'])} Every answer carries the headers"
        " <code>Evermodel-Request-Id</code> and <code>Evermodel-Version</code>; send an id of your own as"
        " <code>id</code> in the body or as <code>Evermodel-Request-Id</code>. Every error is"
        ' <code>{"error": "sentence"}</code>. Missing values are <code>null</code>; rows count from 0.</p>'
    )
    return document("API", f"{links}<section>{intro}</section><section>{operations}</section>")


def _operation(path: str, operation: dict[str, Any]) -> str:
    method, details = next(iter(operation.items()))
    content = details.get("requestBody", {}).get("content", {}).get("application/json", {})
    example = f"<pre>{_text(json.dumps(content['example'], indent=1))}</pre>" if "example" in content else ""
    for parameter in details.get("parameters", []):
        if "example" in parameter:
            example += f"<pre>{_text(path.replace('{values}', str(parameter['example'])))}</pre>"
    title = f"<summary><b>{method.upper()}</b> <code>{_text(path)}</code> {_text(details['summary'])}</summary>"
    return f"<details>{title}{example}</details>" if example else f'<p class="operation">{title[9:-10]}</p>'
