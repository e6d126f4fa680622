"""Reading a DriftMonitor from the very file that Kubernetes takes, with the same rules, one sentence for each fault."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from evermodel.errors import SpecError
from evermodel_api import API_VERSION
from evermodel_api.base import Rule, Schema
from evermodel_api.monitor import Fire, MonitorSpec, PerformanceLimit, Window

KIND = "DriftMonitor"


def read_monitor(path: str) -> tuple[str, MonitorSpec]:
    """Name and spec of the one DriftMonitor in a YAML file.

    Raises:
        SpecError: `InvalidSpec`.
    """
    documents = [each for each in _documents(path) if isinstance(each, dict)]
    monitors = [each for each in documents if each.get("kind") == KIND]
    if len(monitors) != 1:
        kinds = ", ".join(str(each.get("kind")) for each in documents) or "nothing"
        raise SpecError("InvalidSpec", f"{path} must hold one {KIND} and holds {kinds}; name a file with one {KIND}")
    document = monitors[0]
    if document.get("apiVersion") != API_VERSION:
        found = document.get("apiVersion")
        raise SpecError("InvalidSpec", f"{path}: the apiVersion is {found!r}; write apiVersion: {API_VERSION}")
    metadata = document.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    if not isinstance(name, str) or not name:
        raise SpecError("InvalidSpec", f"{path}: the {KIND} has no name; write metadata: {{name: ...}}")
    return name, read_spec(f"{path}: {KIND} {name}", document.get("spec"))


def read_spec(where: str, content: Any) -> MonitorSpec:
    """The spec, checked as the API server checks it.

    Raises:
        SpecError: `InvalidSpec`, with the first fault.
    """
    try:
        spec = MonitorSpec.model_validate({} if content is None else content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in ("spec", *first["loc"]))
        said = "there is no such field" if first["type"] == "extra_forbidden" else first["msg"]
        raise SpecError(
            "InvalidSpec", f"{where}: {place}: {said} (got {str(first['input'])[:80]!r}); correct it"
        ) from error
    for rule in _broken(spec):
        raise SpecError("InvalidSpec", f"{where}: {rule.message}")
    return spec


def _documents(path: str) -> list[Any]:
    try:
        return list(yaml.safe_load_all(Path(path).read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError) as error:
        raise SpecError("InvalidSpec", f"{path} cannot be read: {error}; give a YAML file") from error
    except yaml.YAMLError as error:
        raise SpecError("InvalidSpec", f"{path} is no YAML: {' '.join(str(error).split())}; correct it") from error


def _broken(spec: MonitorSpec) -> Iterator[Rule]:
    """The rules that span fields, in Python as the schemas have them for the API server."""
    if spec.drift is None and spec.performance is None and spec.quality is None:
        yield _rule(MonitorSpec)
    if spec.window.min_rows > spec.window.max_rows:
        yield _rule(Window)
    if any(rule.of > rule.in_ for rule in (spec.decide.fire, spec.decide.clear)):
        yield _rule(Fire)
    limits = spec.performance.metrics if spec.performance else []
    if any(limit.min is None and limit.max is None and limit.max_drop is None for limit in limits):
        yield _rule(PerformanceLimit)


def _rule(schema: type[Schema]) -> Rule:
    return schema.cel[0]
