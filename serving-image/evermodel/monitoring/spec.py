"""Reading a DriftMonitor from the very file that Kubernetes takes, with the same rules, one sentence for each fault."""

from collections.abc import Iterator

from evermodel.specfile import read_object
from evermodel_api.base import Rule, Schema
from evermodel_api.monitor import Fire, MonitorSpec, PerformanceLimit, Window

KIND = "DriftMonitor"


def read_monitor(path: str) -> tuple[str, MonitorSpec]:
    """Name and spec of the one DriftMonitor in a YAML file.

    Raises:
        SpecError: `InvalidSpec`.
    """
    return read_object(path, KIND, MonitorSpec, broken_rules)


def broken_rules(spec: MonitorSpec) -> Iterator[Rule]:
    """The rules that the spec breaks: in Python what its schemas say in CEL for the API server."""
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
