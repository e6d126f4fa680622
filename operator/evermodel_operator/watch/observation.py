"""What the operator learns by asking pods, in the shape of an object, so that it lies in the cache like all else."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

from evermodel_api import GROUP
from evermodel_operator.labels import DEPLOYMENT, RUN, TRAINING, VERSION

if TYPE_CHECKING:
    from evermodel_operator.plan import Object
    from evermodel_operator.watch.cache import Cache

API_VERSION = f"observed.{GROUP}/v1"
"""No API server knows this: these objects are in the operator's memory only."""
PROGRESS = "RunProgress"
COUNTED = "ServingCounts"
_versions = count(1)


def progress_object(pod: Object, progress: Object) -> Object:
    """What a run's pod said of itself; its labels wake the training that it belongs to."""
    return {**_of(pod, PROGRESS, (TRAINING, RUN)), "progress": progress}


def counted_object(pod: Object, recent: Object, total: Object) -> Object:
    """What a serving pod has counted, over the last minute and since it began; it wakes its deployment."""
    return {**_of(pod, COUNTED, (DEPLOYMENT, VERSION)), "recent": recent, "total": total}


def _of(pod: Object, kind: str, carried: tuple[str, ...]) -> Object:
    metadata = pod["metadata"]
    return {
        "apiVersion": API_VERSION,
        "kind": kind,
        "metadata": {
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "uid": f"{kind}/{metadata['uid']}",
            "resourceVersion": str(next(_versions)),
            "labels": {key: metadata["labels"][key] for key in carried},
        },
    }


def progress_of(cache: Cache, namespace: str, training: str) -> list[Object]:
    """What was last heard from the pods of a training's runs."""
    return cache.list(API_VERSION, PROGRESS, namespace, {TRAINING: training})


def counted_of(cache: Cache, namespace: str, deployment: str) -> list[Object]:
    """What was last heard from the serving pods of a deployment."""
    return cache.list(API_VERSION, COUNTED, namespace, {DEPLOYMENT: deployment})
