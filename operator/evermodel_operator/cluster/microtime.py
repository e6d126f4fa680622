"""Moments as Kubernetes writes its MicroTime: UTC, always six digits of microseconds."""

from __future__ import annotations

from datetime import UTC, datetime


def microtime(moment: datetime) -> str:
    """Write a moment: 2026-11-23T08:40:00.000000Z.

    Raises:
        ValueError: when the moment does not say its time zone.
    """
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} does not say its time zone; use datetime.now(UTC)")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
