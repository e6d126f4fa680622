"""What serving pods of a new version are asked: GET /metrics, while the strategy's checks are judged by it.

Counters only rise, so the last minute is what they rose by since the oldest answer that is not older. A counter that
fell belongs to a container that was started again, and its minute begins anew.
"""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING

from prometheus_client.parser import text_string_to_metric_families

from evermodel_api import API_VERSION as OWN
from evermodel_operator.labels import COMPONENT, DEPLOYMENT, VERSION
from evermodel_operator.watch.asking import answers
from evermodel_operator.watch.observation import API_VERSION, COUNTED, counted_object

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from evermodel_operator.plan import Object
    from evermodel_operator.watch.cache import Cache

RECENT_SECONDS = 60.0
BODY_LIMIT = 1024 * 1024
PREDICTIONS = frozenset({"infer", "v1_predict", "values"})
"""Values of the label `route` that are predictions; probes and pages say nothing of a model."""
_REQUESTS, _SECONDS = "evermodel_requests_total", "evermodel_request_duration_seconds_bucket"
Counts = dict[str, float]
"""`requests`, `errors`, and for each bound of the histogram `le=BOUND`."""


class ServingCounts:
    """How new versions answer."""

    path = "/metrics"
    limit = BODY_LIMIT

    def __init__(self, cache: Cache, clock: Callable[[], float] = time.monotonic) -> None:
        self._cache = cache
        self._clock = clock
        self._heard: dict[str, deque[tuple[float, Counts]]] = {}

    def pods(self) -> Iterable[tuple[Object, str]]:
        """Pods of versions that are judged now."""
        judged = {found for each in self._cache.list(OWN, "ModelDeployment") if (found := _judged(each))}
        chosen = []
        for pod in self._cache.list("v1", "Pod", labels={COMPONENT: "serving"}) if judged else ():
            carried = pod["metadata"]["labels"]
            who = (pod["metadata"]["namespace"], carried.get(DEPLOYMENT), carried.get(VERSION))
            chosen += [(pod, scheme) for *known, scheme in judged if tuple(known) == who and answers(pod)]
        self._forget_others({pod["metadata"]["uid"] for pod, _ in chosen})
        return chosen

    def _forget_others(self, uids: set[str]) -> None:
        self._heard = {uid: heard for uid, heard in self._heard.items() if uid in uids}
        for known in self._cache.list(API_VERSION, COUNTED):
            if known["metadata"]["uid"].removeprefix(f"{COUNTED}/") not in uids:
                self._cache.pop(known)  # not for good: the pod may be judged again

    def take(self, pod: Object, body: bytes) -> bool:
        """Keep what was said, where it is news."""
        total = read_counts(body)
        if total is None:
            return False
        heard = self._heard.setdefault(pod["metadata"]["uid"], deque())
        if heard and any(total.get(key, 0) < value for key, value in heard[-1][1].items()):
            heard.clear()
        now = self._clock()
        while len(heard) > 1 and heard[1][0] <= now - RECENT_SECONDS:
            heard.popleft()
        heard.append((now, total))
        then = heard[0][1]
        recent = {key: value - then.get(key, 0) for key, value in total.items()}
        self._keep(counted_object(pod, as_counted(recent), as_counted(total)))
        return True

    def _keep(self, news: Object) -> None:
        metadata = news["metadata"]
        known = self._cache.get(API_VERSION, COUNTED, metadata["namespace"], metadata["name"])
        if known is None or any(known[part] != news[part] for part in ("recent", "total")):
            self._cache.put(news)


def _judged(deployment: Object) -> tuple[str, str, str, str] | None:
    """Namespace, deployment, version and scheme of the pods whose counts decide a rollout now."""
    spec, status = deployment.get("spec") or {}, deployment.get("status") or {}
    if not (spec.get("strategy") or {}).get("checks"):
        return None
    version = (status.get("candidate") or status.get("watched") or {}).get("version")
    metadata = deployment["metadata"]
    scheme = "https" if spec.get("tls") else "http"
    return (metadata["namespace"], metadata["name"], version, scheme) if version else None


def read_counts(body: bytes) -> Counts | None:
    """Predictions that a pod has counted; None where this is not the text of its metrics."""
    counts: Counts = {"requests": 0, "errors": 0}
    try:
        families = list(text_string_to_metric_families(body.decode()))
        if not any(family.name == "evermodel_ready" for family in families):
            return None
        for family in families:
            for sample in family.samples:
                _count(counts, sample.name, sample.labels, float(sample.value))
    except (ValueError, KeyError, TypeError):
        return None
    return counts


def _count(counts: Counts, name: str, said: Mapping[str, str], value: float) -> None:
    if said.get("route") not in PREDICTIONS:
        return
    if name == _REQUESTS:
        counts["requests"] += value
        if said["code"].startswith("5"):
            counts["errors"] += value
    elif name == _SECONDS:
        bound = f"le={said['le']}"
        counts[bound] = counts.get(bound, 0) + value


def as_counted(counts: Counts) -> Object:
    """In the shape that plans read (`kinds.checks.Counted`)."""
    seconds = {key.removeprefix("le="): int(value) for key, value in counts.items() if key.startswith("le=")}
    return {"requests": int(counts["requests"]), "errors": int(counts["errors"]), "seconds": seconds}
