"""The application in one process: the whole surface of the contract, and what every answer and error has in common."""

import asyncio
import csv
import io
import json
import struct
import threading
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

import httpx
import jsonschema
import pyarrow as pa
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openapi_spec_validator import validate

from evermodel.serving.app import NO_HOOKS, Application
from evermodel.serving.counters import READY, READY_ONCE, Counters, Layout
from evermodel.serving.engine import load_served_model
from evermodel.serving.feedback import FeedbackLog
from evermodel.serving.hooks import Hooks
from evermodel.serving.keeping import FORMS
from evermodel.serving.log import LogTarget, PredictionLogger
from evermodel.serving.metrics import Metrics
from evermodel.serving.openapi import openapi_document
from evermodel.serving.pages import Pages
from evermodel.serving.registry import Hosted, Registry
from evermodel.serving.spool.spool import Spool
from evermodel.serving.worker import Worker
from evermodel_api.deployment import PredictionLog

AT = int(datetime(2026, 11, 24, 9, 30, tzinfo=UTC).timestamp() * 1e6)


class Host:
    """An application with its parts at hand."""

    def __init__(self, *hosted: Hosted, worker: Worker | None = None, publish: bool = True, hooks: Hooks = NO_HOOKS):
        self.registry = Registry()
        if publish:
            self.registry.publish(hosted)
        self.worker = worker or Worker(2)
        ids = iter(range(10**9))
        names = [(item.served.model, item.served.version) for item in hosted]
        counters = Counters(Layout.of(names))
        counters.set(READY_ONCE, float(publish))
        counters.set(READY, float(publish))
        self.app = Application(
            self.registry,
            self.worker,
            Pages(self.registry),
            Metrics(self.registry, counters),
            hooks,
            now=lambda: AT,
            new_id=lambda: f"made-{next(ids)}",
        )
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=True)
        self.client = httpx.AsyncClient(transport=transport, base_url="http://model")

    async def get(self, path, **more):
        return await self.client.get(path, **more)

    async def post(self, path, document=None, **more):
        content = more.pop("content", None) or json.dumps(document).encode()
        return await self.client.post(path, content=content, **more)


def hosted(made, version=None, files=None, spool_folder=None):
    version = version or made.version
    served = load_served_model(version.rpartition("-")[0], version, made.artifact.uri, made.artifact.digest)
    if files is None:
        return Hosted(served)
    spool = Spool(spool_folder, "pod", files.__setitem__, FORMS)
    target = LogTarget("/store", served.model, version)
    log = PredictionLogger(target, served.signature, PredictionLog(flush="1h"), spool)
    return Hosted(served, log, FeedbackLog("/store", served.model, spool))


@pytest_asyncio.fixture
async def one(line):
    host = Host(hosted(line, "line-1"))
    yield host
    await host.client.aclose()
    host.worker.close()


@pytest_asyncio.fixture
async def many(line, patients, rent, tmp_path):
    files: dict[str, bytes] = {}
    logged = hosted(patients, files=files, spool_folder=tmp_path)
    host = Host(hosted(line, "line-1"), hosted(line, "line-2"), logged, hosted(rent))
    host.files = files
    yield host
    for item in host.registry.all:
        if item.log:
            item.log.close()
            item.feedback.close()
    await host.client.aclose()
    host.worker.close()


TENSOR = {"inputs": [{"name": "x", "shape": [1, 1], "datatype": "FP64", "data": [50]}]}


@pytest.mark.parametrize(
    ("method", "path", "body", "answer"),
    [
        ("GET", "/v2/model/50/prediction", None, lambda d: d["prediction"]),
        ("GET", "/v2/model/line/50/prediction", None, lambda d: d["prediction"]),
        ("POST", "/v1/models/line:predict", {"instances": [[50]]}, lambda d: d["predictions"][0]),
        ("POST", "/v1/models/line:predict", {"instances": [50]}, lambda d: d["predictions"][0]),
        ("POST", "/v1/models/line:predict", {"instances": [{"x": 50}]}, lambda d: d["predictions"][0]),
        ("POST", "/v2/models/line/infer", TENSOR, lambda d: d["outputs"][0]["data"][0]),
        ("POST", "/v2/models/line/versions/1/infer", TENSOR, lambda d: d["outputs"][0]["data"][0]),
        ("POST", "/v2/models/line/versions/line-1/infer", TENSOR, lambda d: d["outputs"][0]["data"][0]),
    ],
)
async def test_the_line_answers_104_at_50_through_every_route(one, method, path, body, answer):
    # given the line y = 2x + 4, when it is asked at x = 50
    response = await one.client.request(method, path, content=json.dumps(body).encode() if body else None)
    # then it says 104, and says who answered which request
    assert response.status_code == 200
    document = response.json()
    assert answer(document) == pytest.approx(104.0, abs=1e-9)
    assert document["model_version"] == response.headers["evermodel-version"] == "line-1"
    assert document["id"] == response.headers["evermodel-request-id"] == "made-0"


async def test_the_rent_of_nine_values_by_position(many, rent):
    response = await many.post("/v1/models/rent:predict", {"instances": [[85, 2015, 2, 10, 1, 1, 0, 0, 1]]})
    by_path = await many.get("/v2/model/rent/85,2015,2,10,1,1,0,0,1/prediction")
    assert response.json()["predictions"] == [by_path.json()["prediction"]]
    assert 700 < by_path.json()["prediction"] < 900


ROWS = [[64.0, "male", True], [None, "female", False], [51.5, "other", None]]


def in_all_forms() -> dict[str, tuple[str, bytes, dict[str, str]]]:
    """The rows as every form takes them: path, body, headers."""
    names = ["age", "sex", "smoker"]
    smokers = ["true", "false", ""]
    ages = struct.pack("<3d", 64, float("nan"), 51.5)
    texts = b"".join(len(text).to_bytes(4, "little") + text.encode() for text in [*smokers, "male", "female", "other"])
    head = json.dumps(
        {
            "inputs": [
                {"name": name, "shape": [3], "datatype": kind, "parameters": {"binary_data_size": size}}
                for name, kind, size in [("age", "FP64", 24), ("smoker", "BYTES", 21), ("sex", "BYTES", 27)]
            ]
        }
    ).encode()
    table = pa.table(dict(zip(names, zip(*ROWS, strict=True), strict=True)))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    tensors = [
        {"name": name, "shape": [3], "datatype": kind, "data": list(cells)}
        for name, kind, cells in zip(names, ["FP64", "BYTES", "BOOL"], zip(*ROWS, strict=True), strict=True)
    ]
    infer, predict = "/v2/models/patients/infer", "/v1/models/patients:predict"
    lines = b"sex,age,smoker\nmale,64,true\nfemale,,false\nother,51.5,\n"
    return {
        "rows": (predict, json.dumps({"instances": ROWS}).encode(), {}),
        "objects": (predict, json.dumps({"inputs": [dict(zip(names, r, strict=True)) for r in ROWS]}).encode(), {}),
        "tensors": (infer, json.dumps({"inputs": tensors}).encode(), {}),
        "binary": (infer, head + ages + texts, {"Inference-Header-Content-Length": str(len(head))}),
        "csv": (infer, lines, {"Content-Type": "text/csv"}),
        "arrow": (predict, bytes(sink.getvalue()), {"Content-Type": "application/vnd.apache.arrow.stream"}),
    }


def from_csv(response: httpx.Response) -> list[tuple[str, float]]:
    return [(row["prediction"], float(row["probability_ill"])) for row in csv.DictReader(io.StringIO(response.text))]


def from_arrow(response: httpx.Response) -> list[tuple[str, float]]:
    columns = pa.ipc.open_stream(response.content).read_all().to_pydict()
    return list(zip(columns["prediction"], columns["probability_ill"], strict=True))


@pytest.mark.parametrize("form", in_all_forms())
async def test_the_same_rows_have_the_same_answers_in_every_form(many, form):
    # given rows with what is missing and what training never saw
    path, body, headers = in_all_forms()["rows"]
    first = (await many.post(path, content=body)).json()
    expected = [(label, shares[0]) for label, shares in zip(first["predictions"], first["probabilities"], strict=True)]
    # when they come in another form, and answers are wanted as tables and as bytes
    path, body, headers = in_all_forms()[form]
    as_csv = await many.post(path, content=body, headers={**headers, "Accept": "text/csv"})
    stream = await many.post(path, content=body, headers={**headers, "Accept": "application/vnd.apache.arrow.stream"})
    plain = await many.post(path, content=body, headers={**headers, "Evermodel-Request-Id": "mine"})
    # then the answers are the same, and every answer says who gave it
    assert from_csv(as_csv) == from_arrow(stream) == expected
    assert as_csv.headers["content-type"] == "text/csv; charset=utf-8"
    assert stream.headers["content-type"] == "application/vnd.apache.arrow.stream"
    for response in (as_csv, stream, plain):
        assert response.headers["evermodel-version"] == "patients-1"
    assert (plain.json()["id"], plain.headers["evermodel-request-id"]) == ("mine", "mine")
    logged = next(item for item in many.registry.all if item.log).log
    assert logged.counts["received"] == 4


async def test_outputs_as_bytes(many):
    # given the rows with one output as bytes, when they are answered
    path, body, headers = in_all_forms()["tensors"]
    plain = (await many.post(path, content=body, headers=headers)).json()["outputs"]
    document = {**json.loads(body), "parameters": {"binary_data_output": True}, "id": "mine"}
    response = await many.post(path, document)
    # then the JSON says how long each is, and the bytes are those of the answers
    size = int(response.headers["inference-header-content-length"])
    head, rest = json.loads(response.content[:size]), response.content[size:]
    sizes = [output["parameters"]["binary_data_size"] for output in head["outputs"]]
    assert (head["id"], response.headers["content-type"]) == ("mine", "application/octet-stream")
    assert sum(sizes) == len(rest)
    labels = b"".join(len(label).to_bytes(4, "little") + label.encode() for label in plain[0]["data"])
    assert rest == labels + struct.pack("<6d", *plain[1]["data"])


async def test_an_error_carries_the_id_of_a_body_with_bytes(many):
    head = b'{"id":"mine","inputs":[]}'
    length = {"Inference-Header-Content-Length": str(len(head))}
    response = await many.post("/v2/models/patients/infer", content=head + b"\x00\xff", headers=length)
    assert (response.status_code, response.headers["evermodel-request-id"]) == (400, "mine")


async def test_a_large_table_is_answered_in_a_thread(many):
    # given more bytes of CSV than the event loop reads itself
    body = b"x\n" + b"50.000000\n" * 9000 + b"\n" * 60_000
    headers = {"Content-Type": "text/csv", "Accept": "text/csv"}
    # when they are sent, then each row is answered
    response = await many.post("/v2/models/line/infer", content=body, headers=headers)
    assert response.text.count("\n104.0") == 9000


async def test_the_repository_lists_what_is_here(many):
    # given a server with versions of several models, when it is asked for its repository
    listed = (await many.post("/v2/repository/index", {})).json()
    # then all are there and ready, until the server is about to end
    assert [(item["name"], item["version"]) for item in listed] == [
        ("line", "line-1"), ("line", "line-2"), ("patients", "patients-1"), ("rent", "rent-1"),
    ]  # fmt: skip
    assert {item["state"] for item in listed} == {"READY"}
    assert (await many.client.post("/v2/repository/index")).json() == listed
    many.registry.drain()
    assert (await many.post("/v2/repository/index", {"ready": True})).json() == []
    assert {item["state"] for item in (await many.post("/v2/repository/index", {})).json()} == {"UNAVAILABLE"}


@pytest.mark.parametrize(
    ("path", "body", "status", "part"),
    [
        ("/v2/repository/index", b'{"ready": 1}', 400, "ready: expected true or false, got 1"),
        ("/v2/repository/index", b"[]", 400, "the body must be a JSON object"),
        ("/v2/repository/models/line/load", b"", 400, "versions are rolled out by the operator"),
        ("/v2/repository/models/line/unload/", b"{}", 400, "versions are rolled out by the operator"),
        ("/v2/repository/models/nope/load", b"{}", 404, 'there is no model "nope" here'),
        ("/v2/repository/models/line/other", b"{}", 404, "there is nothing at"),
    ],
)
async def test_the_repository_is_not_changed_by_requests(many, path, body, status, part):
    response = await many.client.post(path, content=body)
    assert response.status_code == status
    assert part in response.json()["error"]


async def test_the_server_says_which_extensions_it_has(many):
    assert (await many.get("/v2")).json()["extensions"] == ["binary_tensor_data", "model_repository"]


async def test_all_routes_give_the_same_answer_to_the_same_row(many):
    # given a patient
    row = {"age": 64.0, "sex": "male", "smoker": True}
    inputs = [
        {"name": "sex", "shape": [1], "datatype": "BYTES", "data": ["male"]},
        {"name": "smoker", "shape": [1, 1], "datatype": "BOOL", "data": [[True]]},
        {"name": "age", "shape": [1], "datatype": "FP64", "data": [64]},
    ]
    # when it is sent in three ways
    v1 = (await many.post("/v1/models/patients:predict", {"instances": [row]})).json()
    v2 = (await many.post("/v2/models/patients/infer", {"inputs": inputs})).json()
    path = (await many.get("/v2/model/patients/64,male,true/prediction")).json()
    # then label and probabilities are the same
    assert v1["predictions"] == v2["outputs"][0]["data"] == [path["prediction"]] == ["ill"]
    assert v1["probabilities"][0] == v2["outputs"][1]["data"] == path["probabilities"]


@pytest.mark.parametrize(
    ("body_id", "headers", "expected"),
    [
        ("mine", {"Evermodel-Request-Id": "header", "X-Request-Id": "proxy"}, "mine"),
        (None, {"Evermodel-Request-Id": "header", "X-Request-Id": "proxy"}, "header"),
        ("", {"X-Request-Id": "proxy"}, "proxy"),
        (None, {"X-Request-Id": "x" * 200}, "made-0"),
        (None, {}, "made-0"),
    ],
)
async def test_the_client_s_request_id_is_taken(one, body_id, headers, expected):
    response = await one.post("/v2/models/line/infer", {**TENSOR, "id": body_id}, headers=headers)
    assert response.json()["id"] == response.headers["evermodel-request-id"] == expected


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "part"),
    [
        ("GET", "/nope", b"", 404, "there is nothing at /nope"),
        ("GET", "/v2/models/nope", b"", 404, 'there is no model "nope" here; there is line'),
        ("GET", "/v2/models/line/versions/7", b"", 404, 'no version "7" of the model line here; there is line-1'),
        ("GET", "/v2/models/line/infer", b"", 405, "GET is not possible here; use POST"),
        ("DELETE", "/v2", b"", 405, "use GET or HEAD"),
        ("POST", "/v2/models/line/infer", b"", 400, "the body is empty"),
        ("POST", "/v2/models/line/infer", b"{", 400, "the body is not JSON"),
        ("POST", "/v2/models/line/infer", b"[]", 400, "the body must be a JSON object"),
        ("POST", "/v2/models/line/infer", b'{"inputs": [], "id": 3}', 400, "id: an id is"),
        ("POST", "/v1/models/line:predict", b'{"instances": [["a"]]}', 400, "row 0, column x: expected a number"),
        ("GET", "/v2/model/1,2/prediction", b"", 400, "expected 1 values (x), got 2"),
        ("GET", "/v2/model/abc/prediction", b"", 400, 'row 0, column x: expected a number, got "abc"'),
        ("POST", "/v2/models/line/feedback", b'{"id": "a", "truth": 1}', 404, "labels are not kept here"),
        ("POST", "/v1/models/line:predict", b" " * (8 * 1024 * 1024 + 1), 413, "the limit is 8388608"),
    ],
)
async def test_every_error_is_one_sentence_with_its_status(one, method, path, body, status, part):
    response = await one.client.request(method, path, content=body)
    assert response.status_code == status
    assert list(response.json()) == ["error"]
    assert part in response.json()["error"]
    assert response.headers["evermodel-request-id"] == "made-0"
    assert response.headers["evermodel-version"] == "line-1"
    assert ("allow" in response.headers) == (status == 405)


async def test_a_compressed_body_is_refused(one):
    response = await one.post("/v1/models/line:predict", {}, headers={"Content-Encoding": "gzip"})
    assert response.status_code == 415
    assert "gzip" in response.json()["error"]


async def test_an_error_carries_the_client_s_id_when_the_body_has_one(one):
    response = await one.post("/v2/models/line/infer", {"id": "mine", "inputs": []})
    assert response.status_code == 400
    assert response.headers["evermodel-request-id"] == "mine"


async def test_health_and_metadata(many):
    assert (await many.get("/v2")).json()["name"] == "evermodel"
    assert (await many.get("/v2/health/live")).json() == {"live": True}
    assert (await many.get("/v2/health/ready")).json() == {"ready": True}
    assert (await many.get("/v2/models/line/ready")).json() == {"name": "line", "ready": True}
    assert (await many.get("/v2/models/line/versions/1/ready")).headers["evermodel-version"] == "line-1"
    metadata = (await many.get("/v2/models/patients/")).json()
    assert [(i["name"], i["datatype"], i["shape"]) for i in metadata["inputs"]] == [
        ("age", "FP64", [-1]),
        ("sex", "BYTES", [-1]),
        ("smoker", "BOOL", [-1]),
    ]
    assert [o["name"] for o in metadata["outputs"]] == ["predict", "predict_proba", "contributions", "out_of_range"]
    assert all(isinstance(value, str) for value in metadata["properties"].values())
    assert (await many.get("/v2/models/line")).json()["versions"] == ["line-1", "line-2"]
    card = (await many.get("/v2/model/patients")).json()
    assert card["classes"] == ["ill", "well"]
    assert card["columns"][1]["levels"] == ["female", "male"]


async def test_of_several_versions_the_last_answers_where_none_is_named(many):
    assert (await many.post("/v2/models/line/infer", TENSOR)).json()["model_version"] == "line-2"
    assert (await many.post("/v2/models/line/versions/1/infer", TENSOR)).json()["model_version"] == "line-1"


async def test_values_without_a_model_need_a_single_model(many):
    response = await many.get("/v2/model/50/prediction")
    assert response.status_code == 400
    assert "line, patients, rent" in response.json()["error"]


async def test_before_the_model_is_loaded_it_lives_but_is_not_ready():
    host = Host(publish=False)
    assert (await host.get("/v2/health/live")).status_code == 200
    for path in ("/v2/health/ready", "/v2/models/line", "/v2/model/50/prediction"):
        response = await host.get(path)
        assert response.status_code == 503
        assert "being loaded" in response.json()["error"]
        assert response.headers["retry-after"] == "1"
    assert "being loaded" in (await host.get("/")).text


async def test_while_draining_it_answers_and_asks_clients_to_leave(one):
    one.registry.drain()
    assert (await one.get("/v2/health/ready")).status_code == 503
    response = await one.post("/v2/models/line/infer", TENSOR)
    assert response.status_code == 200
    assert response.headers["connection"] == "close"
    assert (await one.get("/v2/health/live")).headers["connection"] == "close"


async def test_a_full_queue_sends_clients_away_and_health_still_answers(line):
    # given a server whose only worker hangs and whose queue is full
    release = threading.Event()
    worker = Worker(1, limit=2)
    host = Host(hosted(line), worker=worker)
    waiting = [asyncio.ensure_future(worker.run(lambda: release.wait(10))) for _ in range(2)]
    await asyncio.sleep(0)
    # when another request comes
    response = await host.post("/v2/models/line/infer", TENSOR)
    # then it is told to come again, while health answers
    assert response.status_code == 503
    assert response.headers["retry-after"] == "1"
    assert (await host.get("/v2/health/ready")).status_code == 200
    release.set()
    await asyncio.gather(*waiting)
    assert (await host.post("/v2/models/line/infer", TENSOR)).status_code == 200
    worker.close()


async def test_what_was_answered_is_in_the_log_and_what_was_refused_is_not(many):
    # given two requests of which one is refused, and a label
    await many.post("/v1/models/patients:predict", {"instances": [[64, "male", True], [30, None, False]], "id": "a"})
    await many.post("/v1/models/patients:predict", {"instances": [[64]], "id": "b"})
    label = await many.post("/v2/models/patients/feedback", {"id": "a", "row": 1, "truth": "well"})
    assert label.json()["accepted"] == 1
    # then the counters know one request and one label
    metrics = (await many.get("/metrics")).text
    assert 'evermodel_log_received_total{version="patients-1"} 1.0' in metrics
    assert 'evermodel_feedback_received_total{model="patients"} 1.0' in metrics
    assert 'evermodel_requests_total{code="400",route="v1_predict",version="patients-1"} 1.0' in metrics
    assert 'evermodel_request_duration_seconds_bucket{le="10.0",route="v1_predict",version="patients-1"} 2.0' in metrics
    assert 'evermodel_predicted_rows_total{version="patients-1"} 2.0' in metrics
    assert "evermodel_ready 1.0" in metrics
    # and the files, once closed, hold them
    item = many.registry.find("patients")
    item.log.close()
    item.feedback.close()
    assert sorted(uri.rsplit("/", 1)[0] for uri in many.files) == [
        "/store/feedback/patients/2026-11-24T09",
        "/store/log/patients/patients-1/2026-11-24T09",
    ]


async def test_a_failure_of_the_model_is_a_500_without_its_insides(one, capsys, monkeypatch):
    def fail(self, batch):
        raise RuntimeError("the insides")

    monkeypatch.setattr("evermodel.serving.engine.CompiledEngine.predict", fail)
    response = await one.post("/v2/models/line/infer", {**TENSOR, "id": "mine"})
    assert response.status_code == 500
    assert response.json() == {"error": "the server failed to answer; its log has the cause under request mine"}
    assert "the insides" in capsys.readouterr().err


async def test_pages_are_self_contained_and_escape_what_comes_from_data(many):
    # given the pages, when a person looks
    front, docs = await many.get("/"), await many.get("/docs/")
    # then they are HTML that fetches nothing from elsewhere
    for page in (front, docs):
        assert page.status_code == 200
        assert page.headers["content-type"].startswith("text/html")
        assert "https://" not in page.text
        assert " src=" not in page.text
        assert page.headers["evermodel-request-id"].startswith("made-")
    assert 'data-column="smoker"' in front.text
    assert "/v2/models/patients/infer" in docs.text


async def test_the_openapi_document_is_one_and_its_examples_are_answered_as_it_says(many):
    # given the document
    document = (await many.get("/openapi.json")).json()
    validate(document)
    row = document["components"]["schemas"]["patients.Row"]
    assert list(row["properties"]) == ["age", "sex", "smoker"]
    assert row["properties"]["age"]["description"].startswith("A number. Seen in training: ")
    # when every example of every path is sent as it is
    sent = Counter()
    for path, operations in document["paths"].items():
        ((method, operation),) = operations.items()
        for name, request in examples_of(path, operation):
            response = await many.client.request(method, request.path, content=request.body, headers=request.headers)
            # then it is answered with the example of the same name, by the schema that it names
            assert response.status_code == 200, (path, name, response.text)
            content = operation["responses"]["200"]["content"]["application/json"]
            assert_alike(response.json(), content["examples"][name]["value"])
            schema = {"$ref": content["schema"]["$ref"], "components": document["components"]}
            jsonschema.Draft202012Validator(schema).validate(response.json())
            sent[path.split("/")[-1]] += 1
        if method == "get" and "{" not in path and path != "/metrics":
            response = await many.get(path)
            assert response.status_code == 200, path
            schema = {**operation["responses"]["200"]["content"]["application/json"]["schema"]}
            jsonschema.Draft202012Validator(schema | {"components": document["components"]}).validate(response.json())
    # and each kind of request was among them
    models = len(many.registry.names)
    assert (sent["prediction"], sent["feedback"], sent["infer"]) == (3 * models, 3, 2 * 3 * models)
    assert sum(sent.values()) == 4 * 3 * models + 3


async def test_errors_are_as_the_openapi_document_says(many):
    document = (await many.get("/openapi.json")).json()
    operation = document["paths"]["/v1/models/patients:predict"]["post"]
    for body, status in ((b"", 400), (b"{}", 400), (b'{"instances": [[1]]}', 400)):
        response = await many.client.post("/v1/models/patients:predict", content=body)
        assert response.status_code == status
        name = operation["responses"][str(status)]["$ref"].rpartition("/")[2]
        described = document["components"]["responses"][name]
        assert set(response.json()) == {"error"}
        assert all(header.lower() in response.headers for header in described["headers"])
    # the responses that tell more than a sentence say where
    responses = document["components"]["responses"]
    assert "Retry-After" in responses["Unavailable"]["headers"]
    assert "Allow" in responses["MethodNotAllowed"]["headers"]
    assert "securitySchemes" not in document["components"]


def test_a_document_of_a_server_with_keys_says_how_they_are_sent(many):
    document = openapi_document(many.registry, "1.0", asks_for_keys=True)
    validate(document)
    assert set(document["components"]["securitySchemes"]) == {"bearer", "header"}
    assert document["security"] == [{"bearer": []}, {"header": []}]
    open_to_all = {p for p, operations in document["paths"].items() if operations.get("get", {}).get("security") == []}
    assert open_to_all == {"/v2/health/live", "/v2/health/ready", "/metrics"}
    assert "401" in document["paths"]["/v1/models/line:predict"]["post"]["responses"]


@dataclass(frozen=True)
class ExampleRequest:
    path: str
    body: bytes | None
    headers: dict[str, str]


def examples_of(path, operation):
    """The requests that an operation shows, by name."""
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    for name, example in body.get("examples", {}).items():
        yield name, ExampleRequest(path, json.dumps(example["value"]).encode(), {})
    for parameter in operation.get("parameters", []):
        for name, example in parameter.get("examples", {}).items():
            texts = [value if isinstance(value, str) else json.dumps(value) for value in example["value"]]
            values = ",".join(quote(text, safe="") for text in texts)
            request = path.replace("{values}", values)
            yield name, ExampleRequest(request, None, {"Evermodel-Request-Id": name})


def assert_alike(found, expected):
    """Equal but for the last digits of numbers."""
    if isinstance(expected, dict):
        assert list(found) == list(expected)
        for key, value in expected.items():
            assert_alike(found[key], value)
    elif isinstance(expected, list):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert_alike(one, other)
    else:
        assert found == (pytest.approx(expected, abs=1e-9) if isinstance(expected, float) else expected)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.binary(max_size=60)
    | st.recursive(
        st.none() | st.integers() | st.text(max_size=4),
        lambda x: (
            st.lists(x) | st.dictionaries(st.sampled_from(["inputs", "instances", "id", "name", "shape", "data"]), x)
        ),
    ).map(lambda d: json.dumps(d).encode())
)
async def test_no_body_makes_a_500(line_host, body):
    for path in ("/v2/models/line/infer", "/v1/models/line:predict", "/v2/models/line/feedback"):
        response = await line_host.client.post(path, content=body)
        assert response.status_code in (200, 400, 404, 413), (path, body, response.text)
        assert response.status_code == 200 or list(response.json()) == ["error"]


@pytest.fixture
def line_host(line):
    host = Host(hosted(line, "line-1"))
    yield host
    host.worker.close()


async def test_the_description_names_tables_and_bytes(many):
    paths = (await many.get("/openapi.json")).json()["paths"]
    kinds = {"application/json", "text/csv", "application/vnd.apache.arrow.stream"}
    for path, more in (("/v2/models/line/infer", {"application/octet-stream"}), ("/v1/models/line:predict", set())):
        operation = paths[path]["post"]
        assert set(operation["requestBody"]["content"]) == kinds | more
        assert set(operation["responses"]["200"]["content"]) == kinds | more
