"""What a client is told when its request cannot be answered: a status and one sentence, as `{"error": sentence}`."""

from collections.abc import Sequence


class RequestError(Exception):
    """A request cannot be answered. `str(error)` is the sentence; `headers` go with the answer."""

    status = 400

    def __init__(self, sentence: str, headers: Sequence[tuple[bytes, bytes]] = ()) -> None:
        super().__init__(sentence)
        self.headers = tuple(headers)


class BadRequestError(RequestError):
    """The request is not understood, or its values do not fit the model's signature."""


class UnauthorizedError(RequestError):
    """The request has no API key, or one that is not known here."""

    status = 401


class NotFoundError(RequestError):
    """There is no such path, model, version, or part of this server."""

    status = 404


class MethodError(RequestError):
    """The path is there, but not for this method."""

    status = 405

    def __init__(self, method: str, allowed: str) -> None:
        super().__init__(
            f"{method} is not possible here; use {allowed}", [(b"allow", allowed.replace(" or ", ", ").encode())]
        )


class SlowRequestError(RequestError):
    """The body did not arrive in time."""

    status = 408


class TooLargeError(RequestError):
    """The body or the number of rows is above the limit."""

    status = 413


class EncodingError(RequestError):
    """The body is compressed or otherwise encoded in a way that is not read here."""

    status = 415


class InternalError(RequestError):
    """The server itself failed. What happened is on its standard error, not in the answer."""

    status = 500


class UnavailableError(RequestError):
    """Not now: still loading, or too much to do. The same request may be sent again."""

    status = 503

    def __init__(
        self, sentence: str, retry_after_seconds: int = 1, headers: Sequence[tuple[bytes, bytes]] = ()
    ) -> None:
        super().__init__(sentence, [(b"retry-after", str(retry_after_seconds).encode()), *headers])
