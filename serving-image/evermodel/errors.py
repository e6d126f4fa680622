"""What a run says when it cannot go on: one sentence for people, one documented reason, one exit code."""

from evermodel_api.reasons import Reason
from evermodel_api.runs import Exit


class RunError(Exception):
    """A run cannot go on. `str(error)` says what was wrong, where, and what to do."""

    code: Exit = Exit.CRASHED

    def __init__(self, reason: str, message: str) -> None:
        """`reason` is a word of docs/conditions.md."""
        super().__init__(message)
        self.reason = Reason(reason)


class DataError(RunError):
    """The data is wrong: the same data will be wrong again, so the run is not retried."""

    code = Exit.DATA_WRONG


class SpecError(RunError):
    """The spec is wrong: it will be wrong again, so the run is not retried."""

    code = Exit.SPEC_WRONG
