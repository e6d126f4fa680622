"""What is kept of requests and answers, and who may ask how much."""

from typing import Annotated

from pydantic import Field

from evermodel_api.base import ColumnName, Duration, Reference, Schema, Size


class PredictionLog(Schema):
    """What is kept of requests and answers, for monitoring."""

    sample: Annotated[float, Field(ge=0, le=1)] = 1.0
    """Share of the requests that is kept."""
    redact: Annotated[list[ColumnName], Field(max_length=256)] = []
    """Columns whose values are never written."""
    flush: Duration = "5s"
    """How long a request may wait before it is written."""


class Logs(PredictionLog):
    """What is kept of requests and answers, and what is printed of them."""

    access_log: bool = False
    """Whether a pod prints a line of JSON for each request: when, what, how long, and the name of the API key."""


class Feedback(Schema):
    """Labels that come later."""

    enabled: bool = True
    """Whether POST /v2/models/{model}/feedback takes labels."""


class ApiKeys(Schema):
    """Keys that clients send as `Authorization: Bearer KEY` or `X-API-Key: KEY`."""

    secret_ref: Reference
    """The Secret that holds them: each entry is one key, and its name is the name of who has it. A key counts, or does
    not any more, within a minute or two of its entry."""


class Auth(Schema):
    """Who may ask."""

    api_keys: ApiKeys
    """Whoever has one of these keys."""


class Tls(Schema):
    """HTTPS in the serving pods themselves."""

    secret_ref: Reference
    """The Secret of type kubernetes.io/tls. A renewed certificate is taken without a restart."""


class Limits(Schema):
    """How much one request may hold. Beyond it, the answer is 413."""

    max_body: Size | None = None
    """Size of a body, such as 8Mi; the server's own limit, 8Mi, when not given."""
    max_rows: Annotated[int, Field(ge=1, le=10_000_000)] | None = None
    """Rows of a request; the server's own limit, 10000, when not given."""
