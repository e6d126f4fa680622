"""What can go wrong between the operator and the API server.

ApiError
├── NotFound      the object, its namespace or its kind is not there
├── Conflict      somebody else was there first: another uid, another writer, or it exists already
├── Refused       it will be refused again until somebody changes something
│   ├── Invalid   the API server's own sentence on what is wrong with the object
│   ├── Forbidden permissions or a quota are missing
│   └── NameTaken a child's name belongs to somebody else
├── Unavailable   the API server did not answer, or is too busy: try again
└── Fenced        this process does not lead and must not write
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from evermodel_api.reasons import Reason

if TYPE_CHECKING:
    from evermodel_operator.plan import Object


class ApiError(Exception):
    """Base of all of these."""


class NotFound(ApiError):  # noqa: N818 - named as the API server names it
    """The object, its namespace or its kind is not there."""


class Conflict(ApiError):  # noqa: N818
    """Another uid, another writer, or it exists already."""


class Refused(ApiError):  # noqa: N818
    """Refused, and will be again until somebody changes something; `reason` becomes that of a condition."""

    reason = Reason.API_REFUSED


class Invalid(Refused):
    """The API server says what is wrong with the object."""


class Forbidden(Refused):
    """Permissions or a quota are missing."""


class NameTaken(Refused):
    """A child's name belongs to somebody else, so it is not touched."""

    reason = Reason.NAME_TAKEN

    def __init__(self, kind: str, name: str, holder: str) -> None:
        super().__init__(f"{kind} {name} belongs to {holder} and is left alone; rename it or delete it to make room")


class Unavailable(ApiError):  # noqa: N818
    """No answer, or too busy; `retry_after` is what the server asked for, in seconds."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Fenced(ApiError):  # noqa: N818
    """The process does not lead (any more) and must not write."""


_BY_CODE: dict[int, type[ApiError]] = {
    404: NotFound,
    409: Conflict,
    403: Forbidden,
    400: Invalid,
    413: Invalid,
    422: Invalid,
}


def error_of(code: int, body: bytes, what: str, retry_after: str | None = None) -> ApiError:
    """Turn an answer that is no success into an error that says what was asked and what was answered."""
    message = f"{what}: {_message(body) or f'the API server answered {code}'}"
    known = _BY_CODE.get(code)
    if known is not None:
        return known(message)
    return Unavailable(message, retry_after=float(retry_after) if retry_after and retry_after.isdigit() else None)


def _message(body: bytes) -> str:
    try:
        status: Object = json.loads(body)
        return str(status.get("message") or status.get("reason") or "")
    except (ValueError, AttributeError):
        return body[:200].decode(errors="replace").strip()
