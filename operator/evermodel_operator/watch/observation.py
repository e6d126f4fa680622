"""What the operator learns by asking pods, in the shape of an object, so that it lies in the cache like all else."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

from evermodel_api import GROUP
from evermodel_operator.labels import RUN, TRAINING

if TYPE_CHECKING:
    from evermodel_operator.plan import Object
    from evermodel_operator.watch.cache import Cache

API_VERSION = f"observed.{GROUP}/v1"
"""No API server knows this: these objects are in the operator's memory only."""
PROGRESS = "RunProgress"
_versions = count(1)


def progress_object(pod: Object, progress: Object) -> Object:
    """What a run's pod said of itself; its labels wake the training that it belongs to."""
    metadata = pod["metadata"]
    carried = metadata["labels"]
    return {
        "apiVersion": API_VERSION,
        "kind": PROGRESS,
        "metadata": {
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "uid": f"{PROGRESS}/{metadata['uid']}",
            "resourceVersion": str(next(_versions)),
            "labels": {TRAINING: carried[TRAINING], RUN: carried[RUN]},
        },
        "progress": progress,
    }


def progress_of(cache: Cache, namespace: str, training: str) -> list[Object]:
    """What was last heard from the pods of a training's runs."""
    return cache.list(API_VERSION, PROGRESS, namespace, {TRAINING: training})
