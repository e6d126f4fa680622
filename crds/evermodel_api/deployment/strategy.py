"""How a new version takes over, and what it must hold to meanwhile."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from evermodel_api.base import Duration, PositiveDuration, Rule, Schema


class Step(Schema):
    """One step of a canary."""

    weight: Annotated[int, Field(ge=1, le=50)]
    """Percent of the requests that the new version shall answer. Pods are whole, so it is the next share that whole
    pods give: one new pod beside two of the live version is 33. At most 50: the live version keeps all its pods."""
    pause: Duration | None = None
    """How long the step lasts once its pods are ready. Without it, until a person promotes
    (kubectl annotate modeldeployment NAME evermodel.dev/promote="$(date +%s)" --overwrite)."""


class Preview(Schema):
    """The time between ready and live, in which the new version answers at NAME-preview only."""

    pause: Duration | None = None
    """How long it lasts. Without it, until a person promotes (see steps.pause)."""


class ErrorRate(Schema):
    """Share of the predictions that the server failed to answer (status 5xx)."""

    max: Annotated[float, Field(ge=0, le=1)]
    """More than this rolls back."""


class Latency(Schema):
    """Time in which all but one of a hundred predictions are answered."""

    max: Duration
    """More than this rolls back. The pods count in classes, up to 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5 and 10 seconds: what
    lies between is judged by the next one."""


class Checks(Schema):
    """What the new version's pods must hold to while they take traffic. Any check that fails rolls back at once.

    Judged by the pods' own metrics: over the last minute, and since they were started.
    """

    error_rate: ErrorRate | None = None
    """Share of predictions that fail."""
    latency_p99: Latency | None = None
    """Latency of predictions."""
    min_requests: Annotated[int, Field(ge=1, le=1_000_000)] = 20
    """Fewer predictions than this are not judged."""
    cel: ClassVar = (
        Rule(
            "has(self.errorRate) || has(self.latencyP99)",
            "checks need something to check: give errorRate or latencyP99",
        ),
    )


class Strategy(Schema):
    """How a new version takes over."""

    type: Literal["Rolling", "Canary", "BlueGreen"] = "Rolling"
    """Rolling: all pods of the new version are ready before the Service moves to them at once. Canary: before that it
    takes a share of the traffic in steps. BlueGreen: before that it answers at NAME-preview only."""
    steps: Annotated[list[Step], Field(max_length=20)] = []
    """Steps of a canary, with rising weights."""
    preview: Preview | None = None
    """With BlueGreen: the time before the Service moves."""
    checks: Checks | None = None
    """What rolls back by itself."""
    watch: Duration = "10m"
    """With checks: how long they go on once the new version takes all traffic. The old one stays ready meanwhile."""
    progress_deadline: PositiveDuration = "10m"
    """A new version whose pods are not ready by then is rejected; the live one goes on. It counts for each step."""
    cel: ClassVar = (
        Rule(
            "(self.type == 'Canary') == (self.steps.size() > 0)",
            "steps belong to type Canary: give it one or more, such as {weight: 10, pause: 10m}, and no other type any",
        ),
        Rule(
            "(self.type == 'BlueGreen') == has(self.preview)",
            "preview belongs to type BlueGreen: give it one, such as {pause: 10m}, and no other type",
        ),
        Rule("self.steps.map(s, s.weight).isSorted()", "the weights of steps must rise"),
    )
