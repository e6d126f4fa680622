"""What a run tells of itself while it works."""

from typing import Protocol


class Progress(Protocol):
    """Whom a run tells how far it is: a terminal, a log and its pod's port, or nobody."""

    def phase(self, name: str) -> None:
        """A phase begins: Collecting, Preparing, Searching, Fitting, Judging or Recording."""

    def say(self, sentence: str) -> None:
        """One sentence for people."""

    def trials(self, ended: int, total: int, best: str | None, seconds_left: float | None) -> None:
        """How far the search is; `best` names metric and score, such as `roc_auc 0.9123`."""


class Silent:
    """Tells nobody."""

    def phase(self, name: str) -> None:
        """Nothing."""

    def say(self, sentence: str) -> None:
        """Nothing."""

    def trials(self, ended: int, total: int, best: str | None, seconds_left: float | None) -> None:
        """Nothing."""
