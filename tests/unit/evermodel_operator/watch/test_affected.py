"""Who has to look again when something changes."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from evermodel_operator.watch.affected import affected
from evermodel_operator.watch.cache import Cache
from evermodel_operator.watch.keys import Key

VERSIONS = count(1)


def custom(kind: str, name: str, spec: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "ns", "uid": f"{kind}-{name}", "resourceVersion": str(next(VERSIONS))}
    return {"apiVersion": "evermodel.dev/v1alpha1", "kind": kind, "metadata": metadata, "spec": spec or {}, **more}


def version(name: str, training: str) -> dict[str, Any]:
    return custom("ModelVersion", name, {"training": {"name": training, "run": name[-1]}})


def follows(name: str, training: str, **more: Any) -> dict[str, Any]:
    return custom("ModelDeployment", name, {"model": {"trainingRef": {"name": training}}}, **more)


def pins(name: str, pinned: str) -> dict[str, Any]:
    return custom("ModelDeployment", name, {"model": {"versionRef": {"name": pinned}}})


def monitor(name: str, deployment: str, training: str | None = None) -> dict[str, Any]:
    actions = {"retrain": {"trainingRef": {"name": training}}} if training else {}
    return custom("DriftMonitor", name, {"deploymentRef": {"name": deployment}, "actions": actions})


def child(kind: str, labels: dict[str, str], owner: dict[str, Any] | None = None) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "name": "child",
        "namespace": "ns",
        "uid": "c",
        "resourceVersion": "1",
        "labels": labels,
    }
    if owner:
        metadata["ownerReferences"] = [owner]
    return {"apiVersion": "batch/v1", "kind": kind, "metadata": metadata}


@pytest.fixture
def world() -> dict[str, dict[str, Any]]:
    objects = [
        custom("ModelTraining", "heart"),
        custom("ModelTraining", "lung"),
        version("heart-1", "heart"),
        version("heart-2", "heart"),
        version("lung-1", "lung"),
        follows("heart", "heart"),
        pins("pinned", "heart-1"),
        follows("lung", "lung"),
        monitor("heart", "heart", "heart"),
        monitor("quiet", "lung"),
    ]
    return {f"{each['kind']}/{each['metadata']['name']}": each for each in objects}


@pytest.fixture
def cache(world: dict[str, dict[str, Any]]) -> Cache:
    cache = Cache()
    for each in world.values():
        cache.put(each)
    return cache


def named(keys: set[Key]) -> set[str]:
    return {f"{key.kind}/{key.name}" for key in keys}


@pytest.mark.parametrize(
    ("changed", "looks"),
    [
        (
            "ModelTraining/heart",
            {
                "ModelTraining/heart",
                "ModelVersion/heart-1",
                "ModelVersion/heart-2",
                "ModelDeployment/heart",
                "DriftMonitor/heart",
            },
        ),
        (
            "ModelVersion/heart-1",
            {
                "ModelVersion/heart-1",
                "ModelVersion/heart-2",
                "ModelTraining/heart",
                "ModelDeployment/heart",
                "ModelDeployment/pinned",
            },
        ),
        (
            "ModelDeployment/heart",
            {"ModelDeployment/heart", "ModelVersion/heart-1", "ModelVersion/heart-2", "DriftMonitor/heart"},
        ),
        ("ModelDeployment/pinned", {"ModelDeployment/pinned", "ModelVersion/heart-1"}),
        ("DriftMonitor/heart", {"DriftMonitor/heart", "ModelTraining/heart"}),
        ("DriftMonitor/quiet", {"DriftMonitor/quiet"}),
    ],
)
def test_the_readers_of_an_object_look_again(
    world: dict[str, dict[str, Any]], cache: Cache, changed: str, looks: set[str]
):
    assert named(affected(world[changed], cache)) == looks


def test_a_deployment_that_changed_its_mind_is_still_read_by_the_version_it_serves(cache: Cache):
    status = {"live": {"version": "heart-2"}, "rejected": [{"version": "heart-1"}]}
    moved = follows("heart", "lung", status=status)

    keys = named(affected(moved, cache))

    assert {"ModelVersion/heart-1", "ModelVersion/heart-2", "ModelVersion/lung-1"} <= keys


def test_a_version_tells_the_deployment_that_serves_it_and_follows_another_training_now(cache: Cache):
    cache.put(follows("late", "lung", status={"previous": {"version": "heart-2"}}))

    assert "ModelDeployment/late" in named(affected(version("heart-2", "heart"), cache))


@pytest.mark.parametrize(
    ("label", "key"),
    [
        ("evermodel.dev/training", "ModelTraining/x"),
        ("evermodel.dev/reproduction", "ModelVersion/x"),
        ("evermodel.dev/deployment", "ModelDeployment/x"),
        ("evermodel.dev/monitor", "DriftMonitor/x"),
    ],
)
def test_children_and_their_pods_name_whom_they_are_made_for_by_a_label(label: str, key: str):
    assert named(affected(child("Pod", {label: "x"}), Cache())) == {key}


def test_a_child_names_its_controller():
    owner = {
        "apiVersion": "evermodel.dev/v1alpha1",
        "kind": "DriftMonitor",
        "name": "m",
        "uid": "1",
        "controller": True,
    }

    assert named(affected(child("Job", {}, owner), Cache())) == {"DriftMonitor/m"}
    assert affected(child("Job", {}, {**owner, "controller": False}), Cache()) == set()
    assert affected(child("Job", {}, {**owner, "apiVersion": "batch/v1", "kind": "CronJob"}), Cache()) == set()


def test_other_namespaces_are_left_alone(world: dict[str, dict[str, Any]], cache: Cache):
    elsewhere = version("heart-9", "heart")
    elsewhere["metadata"]["namespace"] = "elsewhere"

    keys = affected(elsewhere, cache)

    assert {key.namespace for key in keys} == {"elsewhere"}
    assert named(keys) == {"ModelVersion/heart-9", "ModelTraining/heart"}
