"""Who has to look again when an object changes: the one place that knows who reads whom.

ModelTraining   <- DriftMonitors it is asked by, its ModelVersions, its Jobs and pods
ModelVersion    <- its ModelTraining, its siblings, the ModelDeployments that follow, pin or serve it, its Jobs and pods
ModelDeployment <- the ModelTraining it follows and its ModelVersions, the version it pins, its children
DriftMonitor    <- its ModelDeployment, the ModelTraining it asks, its Jobs and pods
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evermodel_api import API_VERSION
from evermodel_operator import labels
from evermodel_operator.cluster.resources import is_custom
from evermodel_operator.labels import PIN
from evermodel_operator.watch.keys import Key, key_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from evermodel_operator.plan import Object
    from evermodel_operator.watch.cache import Cache

TRAINING, VERSION, DEPLOYMENT, MONITOR = "ModelTraining", "ModelVersion", "ModelDeployment", "DriftMonitor"
LABELS = {
    labels.TRAINING: TRAINING,
    labels.REPRODUCTION: VERSION,
    labels.DEPLOYMENT: DEPLOYMENT,
    labels.MONITOR: MONITOR,
}
"""Labels on children, and on their pods, that name the object they are made for."""


def affected(obj: Object, cache: Cache) -> set[Key]:
    """The objects whose plan may come out differently because `obj` came, changed or went."""
    keys = set(_owners(obj))
    if is_custom(obj["apiVersion"], obj["kind"]):
        keys.add(key_of(obj))
        keys.update(_READERS[obj["kind"]](obj, cache))
    return keys


def _owners(obj: Object) -> Iterator[Key]:
    metadata = obj["metadata"]
    for owner in metadata.get("ownerReferences") or ():
        if owner.get("controller") and is_custom(owner["apiVersion"], owner["kind"]):
            yield Key(owner["kind"], metadata["namespace"], owner["name"])
    carried = metadata.get("labels") or {}
    for label, kind in LABELS.items():
        if label in carried:
            yield Key(kind, metadata["namespace"], carried[label])


def _readers_of_training(training: Object, cache: Cache) -> Iterator[Key]:
    namespace, name = training["metadata"]["namespace"], training["metadata"]["name"]
    for version in cache.list(API_VERSION, VERSION, namespace):
        if training_of(version) == name:
            yield key_of(version)
    for deployment in cache.list(API_VERSION, DEPLOYMENT, namespace):
        if _reference(deployment, "model", "trainingRef") == name:
            yield key_of(deployment)
    for monitor in cache.list(API_VERSION, MONITOR, namespace):
        if _reference(monitor, "actions", "retrain", "trainingRef") == name:
            yield key_of(monitor)


def _readers_of_version(version: Object, cache: Cache) -> Iterator[Key]:
    namespace, name = version["metadata"]["namespace"], version["metadata"]["name"]
    training = training_of(version)
    if training:
        yield Key(TRAINING, namespace, training)
        for sibling in cache.list(API_VERSION, VERSION, namespace):
            if training_of(sibling) == training:
                yield key_of(sibling)
    for deployment in cache.list(API_VERSION, DEPLOYMENT, namespace):
        follows = training and _reference(deployment, "model", "trainingRef") == training
        if follows or name in _versions_of(deployment):
            yield key_of(deployment)


def _readers_of_deployment(deployment: Object, cache: Cache) -> Iterator[Key]:
    namespace, name = deployment["metadata"]["namespace"], deployment["metadata"]["name"]
    named = _versions_of(deployment)
    training = _reference(deployment, "model", "trainingRef")
    for version in cache.list(API_VERSION, VERSION, namespace):
        if version["metadata"]["name"] in named or (training and training_of(version) == training):
            yield key_of(version)
    for monitor in cache.list(API_VERSION, MONITOR, namespace):
        if _reference(monitor, "deploymentRef") == name:
            yield key_of(monitor)


def _readers_of_monitor(monitor: Object, _cache: Cache) -> Iterator[Key]:
    training = _reference(monitor, "actions", "retrain", "trainingRef")
    if training:
        yield Key(TRAINING, monitor["metadata"]["namespace"], training)


_READERS: dict[str, Callable[[Object, Cache], Iterator[Key]]] = {
    TRAINING: _readers_of_training,
    VERSION: _readers_of_version,
    DEPLOYMENT: _readers_of_deployment,
    MONITOR: _readers_of_monitor,
}


def training_of(version: Object) -> str | None:
    """The name of the training that made a version."""
    name = _at(version, "spec", "training", "name")
    return str(name) if name else (version["metadata"].get("labels") or {}).get(labels.TRAINING)


def _versions_of(deployment: Object) -> set[str]:
    """What a deployment pins, and what it serves, tries or keeps warm: also of a training that it no longer follows."""
    served = {_at(deployment, "status", role, "version") for role in ("live", "candidate", "previous")}
    rejected = {each.get("version") for each in _at(deployment, "status", "rejected") or ()}
    pinned = {_reference(deployment, "model", "versionRef"), (deployment["metadata"].get("annotations") or {}).get(PIN)}
    return {name for name in served | rejected | pinned | {_at(deployment, "status", "retried")} if name}


def _reference(obj: Object, *path: str) -> str | None:
    name = _at(obj, "spec", *path, "name")
    return str(name) if name else None


def _at(obj: Object, *path: str) -> Any:
    value: Any = obj
    for step in path:
        if not isinstance(value, dict):
            return None
        value = value.get(step)
    return value
