"""The model repository extension of the Open Inference Protocol: which versions are here, and that none is changed."""

from typing import Any

from evermodel.serving.check import show
from evermodel.serving.faults import BadRequestError
from evermodel.serving.protocol.body import read_object
from evermodel.serving.registry import Registry, State


def only_ready(body: bytes) -> bool:
    """Whether the index is wanted of what is ready only, as the body `{"ready": true}` says; it may be empty.

    Raises:
        BadRequestError: it says something else.
    """
    ready = read_object(body).get("ready", False) if body.strip() else False
    if not isinstance(ready, bool):
        raise BadRequestError(f"ready: expected true or false, got {show(ready)}")
    return ready


def index(registry: Registry, *, ready: bool) -> list[dict[str, Any]]:
    """Each version with its state: READY, or UNAVAILABLE with the reason; with `ready`, those that are READY only."""
    draining = registry.state is State.DRAINING
    if draining and ready:
        return []
    state, reason = ("UNAVAILABLE", "the server is about to end") if draining else ("READY", "")
    return [
        {"name": hosted.served.model, "version": hosted.served.version, "state": state, "reason": reason}
        for hosted in registry.all
    ]


def refused_change(model: str) -> BadRequestError:
    """What who wants to load or unload a model is told."""
    return BadRequestError(
        f"{model} is not loaded or unloaded by a request: versions are rolled out by the operator from its"
        " ModelDeployment, or named where evermodel serve is started"
    )
