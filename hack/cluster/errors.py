from __future__ import annotations


class ClusterError(Exception):
    """Something a person must know: its message says what is wrong, where, and what to do."""
