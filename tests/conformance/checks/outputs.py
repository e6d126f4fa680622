"""Outputs that are asked for by name."""

from __future__ import annotations

from tests.conformance.requirement import demand, must
from tests.conformance.subject import Subject, demand_refusal

SOURCE = "REST, Inference Request: outputs"


@must("outputs.one", SOURCE, "Where outputs are named, these are answered and no others.")
def one(subject: Subject) -> None:
    for name in subject.usual:
        got = list(subject.outputs(subject.example.request(outputs=[{"name": name}])))
        demand(got == [name], f"asked for {name}, got {got}")


@must("outputs.same", SOURCE, "An output that is asked for by name is the one that comes without asking.")
def same(subject: Subject) -> None:
    for name, usual in subject.usual.items():
        got = subject.outputs(subject.example.request(outputs=[{"name": name}]))
        demand(got.get(name) == usual, f"{name}: differs from the output without asking")


@must("outputs.all", SOURCE, "Outputs are optional: without them, or with all of them named, all are answered.")
def all_of_them(subject: Subject) -> None:
    names = list(subject.usual)
    got = list(subject.outputs(subject.example.request(outputs=[{"name": name} for name in reversed(names)])))
    demand(sorted(got) == sorted(names), f"asked for {names}, got {got}")


@must("outputs.unknown", "REST, Inference Response error object", "An output that the model does not have is an error.")
def unknown(subject: Subject) -> None:
    request = subject.example.request(outputs=[{"name": "there-is-no-such-output"}])
    demand_refusal(subject.infer(request), "an unknown output")


@must("outputs.nameless", "REST, Request Output: name", "A requested output without a name is an error.")
def nameless(subject: Subject) -> None:
    demand_refusal(subject.infer(subject.example.request(outputs=[{}])), "an output without a name")
