"""What all schemas share: camelCase on the wire, unknown fields refused, values that cannot change after reading."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema
from pydantic.alias_generators import to_camel


class Rule:
    """A CEL rule that the API server checks; `message` says what to write instead."""

    def __init__(self, rule: str, message: str) -> None:
        self.rule = rule
        self.message = message

    def as_json(self) -> dict[str, str]:
        """The rule as an item of `x-kubernetes-validations`."""
        return {"rule": self.rule, "message": self.message}


class Schema(BaseModel):
    """Base of everything that is read from or written to Kubernetes or a pod."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True, use_attribute_docstrings=True
    )

    cel: ClassVar[tuple[Rule, ...]] = ()

    def dump(self) -> dict[str, Any]:
        """JSON-ready, as users write it: camelCase, absent where nothing was set."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


_DURATION = re.compile(r"(\d+)(ms|s|m|h|d)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
# Bounded so that every duration, in seconds, fits the 32 bits that Kubernetes has for a Job's time to live.
DURATION_PATTERN = r"^([0-9]{1,6}(ms|s|m)|[0-9]{1,5}h|[0-9]{1,4}d)+$"
_LONGEST_DURATION = 12


def parse_duration(text: str) -> timedelta:
    """Read `90s`, `1h30m`, `7d`.

    Raises:
        ValueError: when the text is not a number with a unit (ms, s, m, h, d), or several in a row, in 12 characters.

    >>> parse_duration("1h30m")
    datetime.timedelta(seconds=5400)
    """
    if len(text) > _LONGEST_DURATION or not re.fullmatch(DURATION_PATTERN, text):
        raise ValueError(f"{text!r} is not a duration; write a number with a unit, such as 30s, 15m, 6h or 7d")
    return timedelta(seconds=sum(int(n) * _UNITS[unit] for n, unit in _DURATION.findall(text)))


def duration_check(shortest: str) -> AfterValidator:
    """Refuses what is no duration, or is shorter."""

    def check(text: str) -> str:
        if parse_duration(text) < parse_duration(shortest):
            raise ValueError(f"{text} is too short; write a duration of at least {shortest}")
        return text

    return AfterValidator(check)


def duration_schema(shortest: str) -> WithJsonSchema:
    """The same for the API server: as rules and not as a pattern, since a rule answers with a sentence."""
    is_duration = f"self.matches('{DURATION_PATTERN}')"
    # CEL's duration() knows no days; for a lower bound an hour in their place is as good.
    long_enough = f"duration(self.replace('d', 'h')) >= duration('{shortest}')"
    rules = [
        Rule(is_duration, "is not a duration; write a number with a unit, such as 30s, 15m, 6h or 7d"),
        Rule(f"!{is_duration} || {long_enough}", f"is too short; write a duration of at least {shortest}"),
    ]
    listed = [rule.as_json() for rule in (rules if parse_duration(shortest) else rules[:1])]
    return WithJsonSchema({"type": "string", "maxLength": _LONGEST_DURATION, "x-kubernetes-validations": listed})


Duration = Annotated[str, duration_check("0s"), duration_schema("0s")]
"""A span of time as people write it; `parse_duration` gives the timedelta."""

PositiveDuration = Annotated[str, duration_check("1s"), duration_schema("1s")]
"""A span of time that cannot be nothing: a limit, for example."""

_QUANTITY_PATTERN = (
    r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$"
)


def _whole_number_as_text(value: object) -> object:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Quantity = Annotated[
    str,
    BeforeValidator(_whole_number_as_text),
    Field(pattern=_QUANTITY_PATTERN, max_length=64),
    WithJsonSchema({"x-kubernetes-int-or-string": True, "pattern": _QUANTITY_PATTERN, "maxLength": 64}),
]
"""A Kubernetes quantity: 500m, 2, 512Mi."""

_SIZE = re.compile(r"([1-9][0-9]{0,5})(Ki|Mi|Gi)")
_SIZE_UNITS = {"Ki": 1024, "Mi": 1024**2, "Gi": 1024**3}


def parse_size(text: str) -> int:
    """Bytes of `512Ki`, `8Mi`, `1Gi`.

    Raises:
        ValueError: when the text is not a whole number with a unit.

    >>> parse_size("8Mi")
    8388608
    """
    found = _SIZE.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not a size; write a number with a unit, such as 512Ki, 8Mi or 1Gi")
    return int(found[1]) * _SIZE_UNITS[found[2]]


def _size(text: str) -> str:
    parse_size(text)
    return text


Size = Annotated[
    str,
    AfterValidator(_size),
    WithJsonSchema(
        {
            "type": "string",
            "maxLength": 8,
            "x-kubernetes-validations": [
                Rule(
                    f"self.matches('^{_SIZE.pattern}$')",
                    "is not a size; write a number with a unit, such as 512Ki, 8Mi or 1Gi",
                ).as_json()
            ],
        }
    ),
]
"""A number of bytes as people write it; `parse_size` gives the number."""

Name = Annotated[str, Field(min_length=1, max_length=63, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")]
"""The name of a Kubernetes object (DNS-1123 label)."""

ColumnName = Annotated[str, Field(min_length=1, max_length=128)]
"""The name of a column, as it is in the data."""


def _whole_seconds(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")


Timestamp = Annotated[
    datetime,
    PlainSerializer(_whole_seconds, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""A moment, in UTC and whole seconds, as Kubernetes writes it."""

Moment = Annotated[
    datetime,
    PlainSerializer(lambda moment: moment.astimezone(UTC).isoformat(), return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""A moment, in UTC, to the microsecond."""

Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$", max_length=71)]
"""The sha256 of some bytes, with its algorithm in front."""


class SecretKey(Schema):
    """One key of a Secret in the same namespace."""

    name: Annotated[str, Field(min_length=1, max_length=253)]
    """Name of the Secret."""
    key: Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[-._a-zA-Z0-9]+$")]
    """Key inside the Secret."""


class Reference(Schema):
    """The name of another object in the same namespace."""

    name: Annotated[str, Field(min_length=1, max_length=63)]
    """Name of the object."""


class Resources(Schema):
    """What the pod asks for and may use, as in a container."""

    requests: Annotated[dict[str, Quantity], Field(max_length=8)] = {}
    """What the scheduler sets aside, for example {cpu: 500m, memory: 512Mi}."""
    limits: Annotated[dict[str, Quantity], Field(max_length=8)] = {}
    """What the pod may not exceed, for example {cpu: 2, memory: 2Gi}."""


class Condition(Schema):
    """A Kubernetes condition (metav1.Condition)."""

    type: Annotated[str, Field(max_length=316)]
    """Which question this answers, for example Ready."""
    status: Annotated[str, Field(json_schema_extra={"enum": ["True", "False", "Unknown"]})]
    """True, False or Unknown."""
    reason: Annotated[str, Field(min_length=1, max_length=1024)]
    """One documented word for why (docs/conditions.md)."""
    message: Annotated[str, Field(max_length=32768)] = ""
    """The same in a sentence, with the remedy where one is needed."""
    last_transition_time: Timestamp
    """Since when the status has been so."""
    observed_generation: int | None = None
    """The generation of the spec that was looked at."""


Conditions = Annotated[
    list[Condition],
    Field(max_length=16, json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]}),
]
"""Conditions, one of each type."""
