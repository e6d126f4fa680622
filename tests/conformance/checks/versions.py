"""Versions of a model in the path."""

from __future__ import annotations

from tests.conformance.requirement import demand, must
from tests.conformance.subject import Subject, demand_version_refusal


@must("versions.infer", "REST, Inference", "A version that is listed answers at its path, and says that it was asked.")
def infer(subject: Subject) -> None:
    for version in subject.versions:
        document = subject.answered(subject.example.request(), version)
        got = document.get("model_version")
        demand(got == version, f"asked version {version}, the answer names {got!r}")


@must("versions.default", "REST, Inference Response: model_version", "The version that answered is one that is listed.")
def default(subject: Subject) -> None:
    got = subject.answered(subject.example.request()).get("model_version")
    demand(got is None or isinstance(got, str), f"model_version: expected a text, got {got!r}")
    listed = subject.metadata.get("versions")
    demand(not got or not listed or got in listed, f"model_version {got!r} is not among {listed}")


@must("versions.unknown", "REST, Inference Response error object", "A version that is not there is an error.")
def unknown(subject: Subject) -> None:
    demand_version_refusal(subject, subject.infer(subject.example.request(), "987654321"), "an unknown version")
