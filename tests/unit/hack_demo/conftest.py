from typing import Any

import pytest

from hack.demo.world import World


@pytest.fixture
def thing():
    """Builds an object of evermodel.dev, a Job or a Pod."""

    def make(kind, name="heart", *, labels=None, spec=None, status=None):
        return {
            "apiVersion": "batch/v1" if kind == "Job" else "v1" if kind == "Pod" else "evermodel.dev/v1alpha1",
            "kind": kind,
            "metadata": {
                "name": name,
                "uid": f"uid-of-{kind}-{name}",
                "labels": {f"evermodel.dev/{key}": value for key, value in (labels or {}).items()},
            },
            "spec": spec or {},
            "status": status or {},
        }

    return make


@pytest.fixture
def world(thing):
    """Builds a world from objects and what the clients count."""

    def make(*objects: dict[str, Any], **clients: Any):
        return World(list(objects), clients)

    return make
