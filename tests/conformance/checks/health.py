"""Live and ready: clients look at the status alone; bodies are described, and many servers send none."""

from __future__ import annotations

from tests.conformance.requirement import demand, may, must
from tests.conformance.subject import Answer, Subject, demand_refusal


def _ok(answer: Answer) -> None:
    demand(answer.status == 200, f"expected 200, got {answer.status}")


@must("health.live", "REST, Server Live", "A server that can take requests answers GET v2/health/live with 200.")
def live(subject: Subject) -> None:
    _ok(subject.get("/v2/health/live"))


@must("health.ready", "REST, Server Ready", "A server whose models are all ready answers GET v2/health/ready with 200.")
def ready(subject: Subject) -> None:
    _ok(subject.get("/v2/health/ready"))


@must("health.model_ready", "REST, Model Ready", "GET v2/models/MODEL/ready is 200 once the model answers.")
def model_ready(subject: Subject) -> None:
    _ok(subject.get(subject.path(end="/ready")))


@must("health.version_ready", "REST, Model Ready", "A version that is listed can be asked whether it is ready.")
def version_ready(subject: Subject) -> None:
    for version in subject.versions:
        _ok(subject.get(subject.path(version, "/ready")))


@must("health.unknown_model", "REST, Model Ready", "A model that is not there is not ready: an error, by its status.")
def unknown_model(subject: Subject) -> None:
    demand_refusal(subject.get("/v2/models/there-is-no-such-model/ready"), "ready of an unknown model")


@may("health.live_body", "REST, Server Live object", 'The body is {"live": true}.')
def live_body(subject: Subject) -> None:
    demand(subject.get("/v2/health/live").document.get("live") is True, 'expected "live": true')


@may("health.ready_body", "REST, Server Ready object", 'The body has "ready" or, as the text writes it, "live".')
def ready_body(subject: Subject) -> None:
    document = subject.get("/v2/health/ready").document
    demand(True in (document.get("ready"), document.get("live")), f'expected "ready": true, got {document}')


@may("health.model_ready_body", "REST, Model Ready object", 'The body is {"name": MODEL, "ready": true}.')
def model_ready_body(subject: Subject) -> None:
    document = subject.get(subject.path(end="/ready")).document
    demand(document.get("name") == subject.model, f"name: expected {subject.model}, got {document.get('name')}")
    demand(document.get("ready") is True, f"ready: expected true, got {document.get('ready')}")
