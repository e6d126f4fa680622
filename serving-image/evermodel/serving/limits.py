"""How much one request may hold."""

from dataclasses import dataclass

BODY_BYTES = 8 * 1024 * 1024
ROWS = 10_000
"""Enough for batches, few enough that one client cannot hold a thread for minutes."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a server takes at most in one request; beyond it the answer is 413."""

    body_bytes: int = BODY_BYTES
    """Bytes of a body."""
    rows: int = ROWS
    """Rows of a request, and labels of one."""


STANDARD = Limits()
