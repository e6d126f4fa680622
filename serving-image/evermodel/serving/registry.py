"""What this server serves now: which models and versions, and whether it takes requests."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from evermodel.serving.check import list_names, show
from evermodel.serving.engine import ServedModel
from evermodel.serving.faults import BadRequestError, NotFoundError, UnavailableError
from evermodel.serving.feedback import FeedbackLog
from evermodel.serving.log import PredictionLogger
from evermodel.serving.routes import Route


class State(StrEnum):
    """Where the server is in its life."""

    LOADING = "loading"
    """Alive, but no model may answer yet."""
    READY = "ready"
    """All models were verified and answer."""
    DRAINING = "draining"
    """It answers, but is about to end: send new connections elsewhere."""


@dataclass(frozen=True)
class Hosted:
    """A version that answers, and where its requests and labels are kept."""

    served: ServedModel
    log: PredictionLogger | None = None
    """None where there is no store to write to."""
    feedback: FeedbackLog | None = None
    """None where there is no store, or labels are switched off."""
    as_of: str | None = None
    """The moment up to which the data it was trained on reaches, in ISO 8601; None where nothing says it."""
    direct_rows: int = 0
    """Rows that may be asked on the event loop; 0 for a model that is too slow for it (`warm.py`)."""


class Registry:
    """The models behind one host. Filled once, when all of them are ready; there is no half-ready state."""

    def __init__(self) -> None:
        self.state = State.LOADING
        self.default_versions = ""
        """Names of the versions that answer where none is named, as a header has them."""
        self._models: dict[str, list[Hosted]] = {}

    def publish(self, hosted: Sequence[Hosted]) -> None:
        """Let these models answer; of several versions of one model the last answers where none is named."""
        models: dict[str, list[Hosted]] = {}
        for item in hosted:
            models.setdefault(item.served.model, []).append(item)
        self._models = models
        self.default_versions = ", ".join(versions[-1].served.version for versions in models.values())
        self.state = State.READY

    def drain(self) -> None:
        """Say that the end is near."""
        self.state = State.DRAINING

    @property
    def is_loaded(self) -> bool:
        """Whether models answer (also while draining)."""
        return bool(self._models)

    @property
    def all(self) -> list[Hosted]:
        """Everything that answers."""
        return [item for versions in self._models.values() for item in versions]

    @property
    def names(self) -> list[str]:
        """Names of the models."""
        return list(self._models)

    def find_asked(self, route: Route) -> Hosted:
        """The version that a route asks.

        Raises:
            NotFoundError: no such model or version.
            BadRequestError: it names no model and there are several.
            UnavailableError: still loading.
        """
        return self.only() if route.model is None else self.find(route.model, route.version)

    def find(self, model: str, version: str | None = None) -> Hosted:
        """The version that answers.

        Args:
            model: name of the model.
            version: name of a version (`heart-3`) or its number (`3`); None for the newest.

        Raises:
            NotFoundError: no such model or version.
            UnavailableError: still loading.
        """
        self._check_loaded()
        versions = self._models.get(model)
        if versions is None:
            raise NotFoundError(f"there is no model {show(model)} here; there is {list_names(self.names)}")
        if version is None:
            return versions[-1]
        for item in reversed(versions):
            if version in (item.served.version, item.served.number):
                return item
        there = list_names([item.served.version for item in versions])
        raise NotFoundError(f"there is no version {show(version)} of the model {model} here; there is {there}")

    def only(self) -> Hosted:
        """The version that answers where no model is named.

        Raises:
            BadRequestError: there are several models.
            UnavailableError: still loading.
        """
        self._check_loaded()
        if len(self._models) > 1:
            raise BadRequestError(
                f"this server has several models ({list_names(self.names)}); name one: /v2/model/NAME/VALUES/prediction"
            )
        return next(iter(self._models.values()))[-1]

    def versions(self, model: str) -> list[str]:
        """Names of all versions of a model that are here.

        Raises:
            NotFoundError: no such model.
            UnavailableError: still loading.
        """
        self.find(model)
        return [item.served.version for item in self._models[model]]

    def _check_loaded(self) -> None:
        if not self.is_loaded:
            raise UnavailableError("the model is still being loaded; try again in a moment")
