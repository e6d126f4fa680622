"""The server holds the protocol; and the suite finds servers that do not."""

import re

import httpx
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from tests.conformance import checks  # noqa: F401  registers them
from tests.conformance.__main__ import make_subject
from tests.conformance.example import Example
from tests.conformance.report import examine, run
from tests.conformance.requirement import REQUIREMENTS, State
from tests.conformance.subject import Subject
from tests.integration.conformance.mutations import GRPC_WAYS, MUTATIONS, WrongGrpc, WrongServer
from tests.unit.evermodel.serving.conftest import make_model, make_patients
from tests.unit.evermodel.serving.test_process import serving

NUMBERS = ["a", "b", "c"]
ROWS = [[0.5, 1.0, 2.0], [-1.5, 0.0, 1.0]]


def numbers_example() -> Example:
    flat = [value for row in ROWS for value in row]
    columns = [
        {"name": name, "shape": [2], "datatype": "FP64", "data": [row[i] for row in ROWS]}
        for i, name in enumerate(NUMBERS)
    ]
    return Example([{"name": "rows", "shape": [2, 3], "datatype": "FP64", "data": flat}], columns)


@pytest.fixture(scope="module")
def addresses(tmp_path_factory):
    """Where a real server with two models listens: its URL, and where gRPC is."""
    store = tmp_path_factory.mktemp("store")
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(rng.normal(size=(60, 3)), columns=NUMBERS)
    truth = pd.Series(np.where(frame["a"] > 0, "ill", "well"), name="state")
    make_model(store, "numbers-1", frame, truth, LogisticRegression(), ["ill", "well"])
    make_patients(store)
    arguments = ("numbers", "patients", "--store", str(store), "--port", "0", "--grpc-port", "0", "--drain", "0")
    with serving(*arguments) as server:
        found = re.search(r"gRPC at (\S+:\d+)", server.line)
        assert found, server.line
        yield f"http://127.0.0.1:{server.port}", found.group(1)


@pytest.fixture(scope="module")
def subject(addresses):
    url, grpc = addresses
    with httpx.Client(base_url=url, timeout=20, trust_env=False) as client:
        yield make_subject(client, "numbers", numbers_example(), grpc)


def failures(results):
    return {result.name: result.finding for result in results if result.state is State.FAILED}


def test_the_server_holds_the_protocol(subject):
    # when the suite examines a model of numbers
    results = examine(subject)
    # then it offers all that the suite asks, and all is as the protocol says, musts and mays
    assert {result.name: result.finding for result in results if result.state is not State.PASSED} == {}
    assert len(results) == len(REQUIREMENTS) > 100


def test_a_request_is_made_from_the_metadata(addresses):
    # given a model of numbers, texts and truths
    url, grpc = addresses
    with httpx.Client(base_url=url, timeout=20, trust_env=False) as client:
        # when the suite makes its example from the metadata
        subject = make_subject(client, "patients", None, grpc)
        # then the model takes it, and it is asked by columns
        assert [tensor["name"] for tensor in subject.example.inputs] == ["age", "sex", "smoker"]
        assert failures(examine(subject)) == {}


@pytest.fixture(scope="module")
def held(subject):
    """The requirements that the right server holds, by name."""
    return {result.name: REQUIREMENTS[result.name] for result in examine(subject) if result.state is State.PASSED}


def fails(requirement, subject, mutation: str) -> bool:
    """Whether the check finds a server that is wrong in this way."""
    if mutation in GRPC_WAYS:
        mutated = Subject(subject.client, subject.model, subject.example, WrongGrpc(subject.grpc, mutation))
        return run(requirement, mutated).state is State.FAILED
    wrong = WrongServer(subject.client._transport, MUTATIONS[mutation])
    client = httpx.Client(base_url=subject.client.base_url, transport=wrong, trust_env=False)
    return run(requirement, Subject(client, subject.model, subject.example)).state is State.FAILED


def test_every_check_can_fail(subject, held):
    # given all checks that the right server passes
    for requirement in held.values():
        ways = GRPC_WAYS if requirement.chapter.startswith("gRPC") else MUTATIONS
        # then there is a wrong server that does not
        assert any(fails(requirement, subject, way) for way in ways), requirement.name


@pytest.mark.parametrize(
    ("mutation", "names"),
    [
        ("forgets_ids", {"infer.id", "infer.no_id", "connection.many"}),
        ("is_nameless", {"infer.object"}),
        ("names_another_version", {"versions.infer", "versions.default"}),
        ("gives_a_row_less", {"infer.count", "infer.batch", "data.row"}),
        ("gives_texts", {"infer.elements"}),
        ("writes_nan", {"infer.object", "infer.elements"}),
        ("has_its_own_datatypes", {"infer.outputs", "model metadata.true"}),
        ("gives_more_than_was_asked", {"outputs.one", "model metadata.true"}),
        ("never_says_the_same", {"infer.same_again", "outputs.same", "data.nested", "columns.order"}),
        ("has_empty_metadata", {"model metadata.filled"}),
        ("has_wrong_metadata", {"server metadata.object", "model metadata.inputs", "model metadata.outputs"}),
        ("lists_versions_that_are_not_there", {"model metadata.versions", "versions.infer", "health.version_ready"}),
        ("tells_errors_as_fastapi", {"errors.empty_body", "errors.get_infer", "outputs.unknown", "versions.unknown"}),
        ("blames_itself", {"data.too_few", "data.wrong_width", "errors.broken_json"}),
        ("takes_everything", {"data.negative_shape", "errors.unknown_model", "columns.missing"}),
        ("stays_down", {"errors.alive_after"}),
    ],
)
def test_a_wrong_server_is_found(subject, held, mutation, names):
    assert {name for name in names if fails(held[name], subject, mutation)} == names


@pytest.mark.parametrize(
    ("mutation", "names"),
    [
        ("is_nameless", ["infer.id", "infer.outputs", "versions.infer", "errors.empty_body"]),
        ("forgets_ids", ["infer.object", "outputs.one", "data.nested"]),
        ("tells_errors_as_fastapi", ["health.ready", "infer.object", "outputs.one"]),
        ("stays_down", ["infer.object", "errors.no_inputs"]),
    ],
)
def test_a_wrong_server_fails_by_what_is_wrong_only(subject, held, mutation, names):
    assert [name for name in names if fails(held[name], subject, mutation)] == []
