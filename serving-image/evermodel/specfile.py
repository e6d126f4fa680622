"""Reading an object from the very file that Kubernetes takes, with the same rules, one sentence for each fault."""

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError

from evermodel.errors import SpecError
from evermodel_api import API_VERSION
from evermodel_api.base import Rule, Schema
from evermodel_api.runs import ModelName

S = TypeVar("S", bound=Schema)
Broken = Callable[[S], Iterable[Rule]]
"""The rules that span fields, and that a spec breaks: in Python what the schemas say in CEL for the API server."""


class _Loader(yaml.SafeLoader):
    """YAML 1.2's booleans: true and false only, so that a field called `on` is a field."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_TRUE_OR_FALSE = re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$")
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", _TRUE_OR_FALSE, list("tTfF"))


def read_object(path: str, kind: str, schema: type[S], broken: Broken[S]) -> tuple[str, S]:
    """Name and spec of the one object of a kind in a YAML file, which may hold other kinds beside it.

    Raises:
        SpecError: `InvalidSpec`.
    """
    documents = [each for each in _documents(path) if isinstance(each, dict)]
    wanted = [each for each in documents if each.get("kind") == kind]
    if len(wanted) != 1:
        kinds = ", ".join(str(each.get("kind")) for each in documents) or "nothing"
        raise SpecError("InvalidSpec", f"{path} must hold one {kind} and holds {kinds}; name a file with one {kind}")
    document = wanted[0]
    if document.get("apiVersion") != API_VERSION:
        found = document.get("apiVersion")
        raise SpecError("InvalidSpec", f"{path}: the apiVersion is {found!r}; write apiVersion: {API_VERSION}")
    metadata = document.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    if not isinstance(name, str) or not name:
        raise SpecError("InvalidSpec", f"{path}: the {kind} has no name; write metadata: {{name: ...}}")
    _check_name(path, kind, name)
    return name, read_spec(f"{path}: {kind} {name}", document.get("spec"), schema, broken)


def read_spec(where: str, content: Any, schema: type[S], broken: Broken[S]) -> S:
    """The spec, checked as the API server checks it.

    Raises:
        SpecError: `InvalidSpec`, with the first fault.
    """
    try:
        spec = schema.model_validate({} if content is None else content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in ("spec", *first["loc"]))
        said = "there is no such field" if first["type"] == "extra_forbidden" else first["msg"]
        got = "" if first["type"] == "missing" else f" (got {str(first['input'])[:80]!r})"
        raise SpecError("InvalidSpec", f"{where}: {place}: {said}{got}; correct it") from error
    for rule in broken(spec):
        raise SpecError("InvalidSpec", f"{where}: {rule.message}")
    return spec


def _check_name(path: str, kind: str, name: str) -> None:
    try:
        TypeAdapter(ModelName).validate_python(name)
    except ValidationError as error:
        raise SpecError(
            "InvalidSpec",
            f"{path}: {name[:80]!r} cannot be the name of a {kind}; use at most 63 letters, digits, - and _, with a "
            "letter or digit at both ends",
        ) from error


def _documents(path: str) -> list[Any]:
    try:
        text = Path(path).read_text(encoding="utf-8")
        return list(yaml.load_all(text, Loader=_Loader))
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError("InvalidSpec", f"{path} cannot be read: {error}; give a YAML file") from error
    except yaml.YAMLError as error:
        raise SpecError("InvalidSpec", f"{path} is no YAML: {' '.join(str(error).split())}; correct it") from error
