"""Health and metadata over gRPC: the same as over REST."""

from __future__ import annotations

from tests.conformance.example import DATATYPES
from tests.conformance.grpc_client import message
from tests.conformance.requirement import demand, must
from tests.conformance.subject import Subject


@must("gRPC metadata.live", "gRPC, ServerLive", "A server that can take requests says so.")
def live(subject: Subject) -> None:
    demand(subject.rpc.ask("ServerLive").live is True, "live is false")


@must("gRPC metadata.ready", "gRPC, ServerReady", "A server whose models are all ready says so.")
def ready(subject: Subject) -> None:
    demand(subject.rpc.ask("ServerReady").ready is True, "ready is false")


@must("gRPC metadata.model_ready", "gRPC, ModelReady", "A model that answers is ready.")
def model_ready(subject: Subject) -> None:
    demand(subject.rpc.ask("ModelReady", name=subject.model).ready is True, "ready is false")


@must("gRPC metadata.server", "gRPC, ServerMetadata", "Name, version and extensions are those of REST.")
def server(subject: Subject) -> None:
    told, rest = subject.rpc.ask("ServerMetadata"), subject.server
    demand((told.name, told.version) == (rest["name"], rest["version"]), f"got {told.name} {told.version}")
    demand(told.name, "the name is empty")


@must("gRPC metadata.model", "gRPC, ModelMetadata", "The name is the model's, the platform is told.")
def model(subject: Subject) -> None:
    told = subject.rpc.ask("ModelMetadata", name=subject.model)
    demand(told.name == subject.model, f"name: got {told.name!r}")
    demand(told.platform == subject.metadata.get("platform"), f"platform: got {told.platform!r}, REST tells another")


@must("gRPC metadata.tensors", "gRPC, TensorMetadata", "Inputs and outputs are those of REST.")
def tensors(subject: Subject) -> None:
    told = subject.rpc.ask("ModelMetadata", name=subject.model)
    for key in ("inputs", "outputs"):
        got = [(t.name, t.datatype, list(t.shape)) for t in getattr(told, key)]
        rest = [(t["name"], t["datatype"], t["shape"]) for t in subject.metadata.get(key) or []]
        demand(got == rest, f"{key}: {got[:3]} differ from REST's {rest[:3]}")
        demand(all(datatype in DATATYPES for _, datatype, _ in got), f"{key}: an unknown datatype")


@must("gRPC metadata.versions", "gRPC, ModelMetadata: versions", "Each version that is listed has metadata.")
def versions(subject: Subject) -> None:
    rpc = subject.rpc
    for version in subject.versions:
        rpc.ask("ModelMetadata", name=subject.model, version=version)


@must("gRPC metadata.unknown_model", "gRPC, status codes", "A model that is not there is an error of the client.")
def unknown_model(subject: Subject) -> None:
    request = message("ModelMetadataRequest", name="there-is-no-such-model")
    subject.rpc.demand_refusal("ModelMetadata", request, "metadata of an unknown model")
