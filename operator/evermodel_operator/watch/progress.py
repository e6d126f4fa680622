"""What pods of runs are asked: GET /progress of each leading pod, while there are any."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from evermodel_api.training import Progress
from evermodel_operator.labels import COMPLETION_INDEX, COMPONENT, RUN, TRAINING
from evermodel_operator.watch.asking import answers
from evermodel_operator.watch.observation import API_VERSION, PROGRESS, progress_object

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from evermodel_operator.plan import Object
    from evermodel_operator.watch.cache import Cache

BODY_LIMIT = 16 * 1024
_MESSAGE_LIMIT = 256


class RunProgress:
    """How far runs are."""

    path = "/progress"
    limit = BODY_LIMIT

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    def pods(self) -> Iterable[tuple[Object, str]]:
        """All leading pods of runs that are under way."""
        pods = list(leading_pods(self._cache))
        names = {pod["metadata"]["name"] for pod in pods}
        for known in self._cache.list(API_VERSION, PROGRESS):
            if known["metadata"]["name"] not in names:
                self._cache.pop(known, for_good=True)
        return [(pod, "http") for pod in pods]

    def take(self, pod: Object, body: bytes) -> bool:
        """Keep what was said, where it is news."""
        progress = read_progress(body)
        if progress is None:
            return False
        metadata = pod["metadata"]
        known = self._cache.get(API_VERSION, PROGRESS, metadata["namespace"], metadata["name"])
        if known is None or known["progress"] != progress:
            self._cache.put(progress_object(pod, progress))
        return True


def leading_pods(cache: Cache) -> Iterator[Object]:
    """Pods that work on a run: one for each run, with index 0 where the run has several."""
    for pod in cache.list("v1", "Pod", labels={COMPONENT: "training"}):
        carried = pod["metadata"]["labels"]
        is_of_run = TRAINING in carried and RUN in carried
        if answers(pod) and is_of_run and carried.get(COMPLETION_INDEX) in {None, "0"}:
            yield pod


def read_progress(body: bytes) -> Object | None:
    """What a pod said, as the status writes it; None where it is nothing that can be read.

    The pod's image may be newer than this operator, so what is not known here is left out.
    """
    try:
        document: Any = json.loads(body)
        if not isinstance(document, dict):
            return None
        known = {field.alias or name for name, field in Progress.model_fields.items()} - {"at"}
        said = {key: value for key, value in document.items() if key in known}
        if isinstance(said.get("message"), str):
            said["message"] = said["message"][:_MESSAGE_LIMIT]
        return Progress.model_validate(said).dump()
    except (ValueError, RecursionError, ValidationError):
        return None
