"""gRPC against a real server: what a client of the Open Inference Protocol asks, and that no call is lost at the end."""

import json
import re
import socket
import struct
import subprocess
import threading
import time
from collections import Counter
from pathlib import Path

import grpc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evermodel.serving.grpc import open_inference_pb2 as messages
from tests.integration.serving.test_processes import metrics, wait_until
from tests.unit.evermodel.serving.test_process import fails, finish, logged_ids, own_store, serving, write_order

KEY = "a-key-of-sixteen-or-more"


class Client:
    """A client of the service as grpc makes one from the names of the published protocol."""

    def __init__(self, target: str, credentials: grpc.ChannelCredentials | None = None, options=()) -> None:
        options = [("grpc.use_local_subchannel_pool", 1), *options]
        make = grpc.insecure_channel if credentials is None else grpc.secure_channel
        self.channel = make(target, *([] if credentials is None else [credentials]), options=options)

    def call(self, name: str, request=None, **more):
        """The answer, and its trailing metadata."""
        request = request if request is not None else getattr(messages, f"{name}Request")()
        method = self.channel.unary_unary(
            f"/inference.GRPCInferenceService/{name}",
            request_serializer=lambda message: message if isinstance(message, bytes) else message.SerializeToString(),
            response_deserializer=getattr(messages, f"{name}Response").FromString,
        )
        answer, call = method.with_call(request, timeout=20, **more)
        return answer, dict(call.trailing_metadata())

    def refused(self, name: str, request=None, **more) -> grpc.RpcError:
        with pytest.raises(grpc.RpcError) as caught:
            self.call(name, request, **more)
        return caught.value


def target_of(server) -> str:
    found = re.search(r" gRPC at (127\.0\.0\.1:\d+) ", server.line)
    assert found, server.line
    return found[1]


@pytest.fixture(scope="module")
def server(made_store, line, patients, tmp_path_factory):
    store = own_store(patients, tmp_path_factory.mktemp("grpc"))
    limits = ("--max-body", "1", "--max-rows", "100")
    with serving(
        "line-1", "patients-1", "--store", str(store), "--port", "0", "--grpc-port", "0", "--access-log", *limits
    ) as running:
        running.store = store
        yield running


@pytest.fixture(scope="module")
def client(server):
    made = Client(target_of(server))
    yield made
    made.channel.close()


def of_line(*values: float, model: str = "line", **more) -> messages.ModelInferRequest:
    request = messages.ModelInferRequest(model_name=model, **more)
    tensor = request.inputs.add(name="x", datatype="FP64", shape=[len(values), 1])
    tensor.contents.fp64_contents.extend(values)
    return request


def raw_line(*values: float, **more) -> messages.ModelInferRequest:
    request = messages.ModelInferRequest(model_name="line", **more)
    request.inputs.add(name="x", datatype="FP64", shape=[len(values)])
    request.raw_input_contents.append(struct.pack(f"<{len(values)}d", *values))
    return request


def test_health_and_metadata(client):
    assert client.call("ServerLive")[0].live
    assert client.call("ServerReady")[0].ready
    assert client.call("ModelReady", messages.ModelReadyRequest(name="line", version="1"))[0].ready
    told, _ = client.call("ServerMetadata")
    assert (told.name, list(told.extensions)) == ("evermodel", [])
    model, _ = client.call("ModelMetadata", messages.ModelMetadataRequest(name="patients"))
    assert (model.name, model.versions, model.platform) == ("patients", ["patients-1"], "evermodel_sklearn")
    assert [(item.name, item.datatype, list(item.shape)) for item in model.inputs] == [
        ("age", "FP64", [-1]), ("sex", "BYTES", [-1]), ("smoker", "BOOL", [-1]),
    ]  # fmt: skip
    outputs = [(item.name, list(item.shape)) for item in model.outputs]
    assert outputs[:2] == [("predict", [-1]), ("predict_proba", [-1, 2])]


def test_an_answer_is_typed_or_raw_as_the_question_was(client):
    # given the line, when it is asked with typed contents and with raw ones
    typed, metadata = client.call("ModelInfer", of_line(50, 1, id="mine", model_version="1"))
    raw, _ = client.call("ModelInfer", raw_line(50, 1))
    # then it says 104 and 6 in the same way, and who answered which request
    assert list(typed.outputs[0].contents.fp64_contents) == pytest.approx([104, 6])
    assert struct.unpack("<2d", raw.raw_output_contents[0]) == tuple(typed.outputs[0].contents.fp64_contents)
    assert not raw.outputs[0].HasField("contents")
    assert not typed.raw_output_contents
    assert (typed.id, typed.model_name, typed.model_version) == ("mine", "line", "line-1")
    assert metadata == {"evermodel-request-id": "mine", "evermodel-version": "line-1"}
    assert raw.id
    assert raw.id != typed.id


ROWS = [[64.0, "male", "true"], [None, "female", "false"], [51.5, "other", ""]]
finite = st.floats(min_value=-1e6, max_value=1e6) | st.none()
patient = st.tuples(finite, st.sampled_from(["male", "female", "ñ"]), st.sampled_from(["true", "false", ""]))


def of_patients(rows, *, raw: bool, names=()) -> messages.ModelInferRequest:
    request = messages.ModelInferRequest(model_name="patients")
    ages = [float("nan") if age is None else age for age, _, _ in rows]
    texts = [[row[place].encode() for row in rows] for place in (1, 2)]
    for name, kind in (("age", "FP64"), ("sex", "BYTES"), ("smoker", "BYTES")):
        request.inputs.add(name=name, datatype=kind, shape=[len(rows)])
    for name in names:
        request.outputs.add(name=name)
    if raw:
        elements = [b"".join(struct.pack("<I", len(text)) + text for text in column) for column in texts]
        request.raw_input_contents.extend([struct.pack(f"<{len(ages)}d", *ages), *elements])
    else:
        request.inputs[0].contents.fp64_contents.extend(ages)
        for tensor, column in zip(request.inputs[1:], texts, strict=True):
            tensor.contents.bytes_contents.extend(column)
    return request


@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(patient, min_size=1, max_size=5), st.booleans())
def test_the_same_rows_have_the_answers_that_they_have_over_http(server, client, rows, raw):
    # given rows of patients, some with what is missing or was never seen
    body = json.dumps({"instances": [[age, sex, smoker or None] for age, sex, smoker in rows]})
    _, _, content = server.ask("POST", "/v1/models/patients:predict", body)
    expected = json.loads(content)
    # when they are asked over gRPC, then the answers are the same to the last bit
    answer, _ = client.call("ModelInfer", of_patients(rows, raw=raw, names=["predict_proba", "predict"]))
    assert [output.name for output in answer.outputs] == ["predict_proba", "predict"]
    if raw:
        shares = struct.unpack(f"<{2 * len(rows)}d", answer.raw_output_contents[0])
        labels = [label.decode() for label in re.findall(b"ill|well", answer.raw_output_contents[1])]
    else:
        shares = answer.outputs[0].contents.fp64_contents
        labels = [label.decode() for label in answer.outputs[1].contents.bytes_contents]
    assert list(shares) == [share for row in expected["probabilities"] for share in row]
    assert labels == expected["predictions"]


def test_reasons_are_outputs_as_over_http(server, client):
    # given a row whose contributions are asked for over HTTP
    inputs = [
        {"name": name, "shape": [1], "datatype": kind, "data": [cell]}
        for name, kind, cell in zip(("age", "sex", "smoker"), ("FP64", "BYTES", "BYTES"), ROWS[0], strict=True)
    ]
    body = json.dumps({"inputs": inputs, "outputs": [{"name": "contributions"}]})
    _, _, content = server.ask("POST", "/v2/models/patients/infer", body)
    (expected,) = json.loads(content)["outputs"]
    # when they are asked for over gRPC, typed and raw, then they are the same
    typed, _ = client.call("ModelInfer", of_patients(ROWS[:1], raw=False, names=["contributions"]))
    raw, _ = client.call("ModelInfer", of_patients(ROWS[:1], raw=True, names=["contributions"]))
    assert list(typed.outputs[0].contents.fp64_contents) == expected["data"]
    assert struct.unpack("<4d", raw.raw_output_contents[0]) == tuple(expected["data"])


@pytest.mark.parametrize(
    ("name", "request_", "code", "sentence"),
    [
        ("ModelInfer", of_line(1, model="nope"), "NOT_FOUND", 'there is no model "nope" here; there is line, patients'),
        ("ModelInfer", of_line(1, model_version="9"), "NOT_FOUND", 'there is no version "9" of the model line here'),
        ("ModelInfer", of_line(), "INVALID_ARGUMENT", "there is no row to predict; send at least one"),
        ("ModelInfer", of_line(float("inf")), "INVALID_ARGUMENT", "row 0, column x: expected a number, got Infinity"),
        ("ModelInfer", of_line(*range(101)), "RESOURCE_EXHAUSTED", "the request has 101 rows and the limit is 100"),
        ("ModelInfer", of_line(1, id="with space"), "INVALID_ARGUMENT", "id: an id is 1 to 128 printable ASCII"),
        ("ModelInfer", b"\xff", "INVALID_ARGUMENT", "the message is no inference.ModelInferRequest"),
        ("ModelReady", messages.ModelReadyRequest(name="nope"), "NOT_FOUND", 'there is no model "nope" here'),
        ("ModelMetadata", messages.ModelMetadataRequest(name="nope"), "NOT_FOUND", 'there is no model "nope" here'),
        ("ModelInfer", raw_line(*[0.5] * 140_000), "RESOURCE_EXHAUSTED", "larger than max (1120"),
    ],
)
def test_errors_have_the_sentences_of_http(client, name, request_, code, sentence):
    error = client.refused(name, request_)
    assert error.code().name == code
    assert sentence in error.details()
    if "larger than max" not in sentence:  # that one is the library's own
        assert dict(error.trailing_metadata())["evermodel-request-id"]


def test_an_error_carries_the_id_of_its_message(client):
    error = client.refused("ModelInfer", of_line(float("inf"), id="mine"))
    assert dict(error.trailing_metadata()) == {"evermodel-request-id": "mine", "evermodel-version": "line-1"}


def test_compressed_messages_are_refused(client):
    error = client.refused("ModelInfer", of_line(*range(100)), compression=grpc.Compression.Gzip)
    assert error.code() is grpc.StatusCode.UNIMPLEMENTED


def test_calls_are_counted_logged_and_told(server, client):
    # given what was counted so far
    kind = ("evermodel_requests_total", ("code", "200"), ("route", "infer"), ("version", "line-1"))
    before = metrics(server).get(kind, 0)
    # when a call with an id in its metadata is answered, and one with none is not
    client.call("ModelInfer", of_line(50), metadata=[("x-request-id", "told")])
    client.refused("ModelInfer", of_line(float("inf"), id="refused"))
    # then both are counted as requests over HTTP are, and told in the access log
    assert metrics(server)[kind] == before + 1
    lines: dict[str, dict] = {}
    while not {"told", "refused"} <= lines.keys():
        line = json.loads(server.process.stdout.readline())
        lines[line["id"]] = line
    told = {name: lines["told"][name] for name in ("method", "route", "status", "version", "rows", "client")}
    assert told == {
        "method": "gRPC", "route": "infer", "status": 200, "version": "line-1", "rows": 1, "client": "127.0.0.1",
    }  # fmt: skip
    assert (lines["refused"]["status"], lines["refused"]["rows"]) == (400, 0)


@pytest.fixture
def certificate(tmp_path) -> Path:
    folder = tmp_path / "tls"
    folder.mkdir()
    write_certificate(folder, "first")
    return folder


def write_certificate(folder: Path, name: str) -> None:
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    more = ["-days", "2", "-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    files = ["-keyout", str(folder / "tls.key.new"), "-out", str(folder / "tls.crt.new")]
    subprocess.run([*command, *more, *files], check=True, capture_output=True)
    for file in ("tls.key", "tls.crt"):
        (folder / f"{file}.new").rename(folder / file)


def trust(folder: Path) -> grpc.ChannelCredentials:
    return grpc.ssl_channel_credentials((folder / "tls.crt").read_bytes())


def test_keys_and_a_certificate_that_changes(line, tmp_path, certificate):
    # given a server with TLS and a key
    keys = tmp_path / "keys"
    keys.mkdir()
    (keys / "ward").write_text(KEY)
    flags = ("--keys", str(keys), "--tls", str(certificate), "--drain", "0", "--port", "0", "--grpc-port", "0")
    with serving("line-1", "--store", str(own_store(line, tmp_path)), *flags) as server:
        target = target_of(server)
        first = trust(certificate)
        client = Client(target, first)
        # when it is asked without a key, with a wrong one, and with the right one in both ways
        error = client.refused("ModelInfer", of_line(50))
        wrong = client.refused("ModelInfer", of_line(50), metadata=[("x-api-key", "wrong")])
        for pair in (("authorization", f"Bearer {KEY}"), ("x-api-key", KEY)):
            answer, _ = client.call("ModelInfer", of_line(50), metadata=[pair])
            assert answer.outputs[0].contents.fp64_contents[0] == pytest.approx(104)
        # then only who has it is answered, and everybody may ask for its health
        assert (error.code(), wrong.code()) == (grpc.StatusCode.UNAUTHENTICATED,) * 2
        assert error.details().startswith("an API key is needed here")
        assert client.refused("ServerMetadata").code() is grpc.StatusCode.UNAUTHENTICATED
        assert client.call("ServerReady")[0].ready
        assert Client(target).refused("ServerLive").code() is grpc.StatusCode.UNAVAILABLE
        # when the certificate is rotated, then new connections get the new one, and those that are open stay
        write_certificate(certificate, "second")
        wait_until(lambda: answers(Client(target, trust(certificate))))
        assert not answers(Client(target, first))


def answers(client: Client) -> bool:
    try:
        return client.call("ServerLive")[0].live
    except grpc.RpcError:
        return False
    finally:
        client.channel.close()


class Load(threading.Thread):
    """A client that calls without a pause until it is refused; what it heard."""

    def __init__(self, target: str) -> None:
        super().__init__(daemon=True)
        self.client = Client(target)
        self.answered: list[str] = []
        self.error: grpc.RpcError | None = None
        self.start()

    def run(self) -> None:
        while self.error is None:
            try:
                self.answered.append(self.client.call("ModelInfer", of_line(50, model="ward"))[0].id)
            except grpc.RpcError as error:
                self.error = error


def test_no_call_is_lost_at_the_end(line, tmp_path):
    # given clients that call a server which keeps a log
    store = own_store(line, tmp_path)
    order = write_order(line, store, tmp_path / "order.json", port=free_port(), grpc_port=free_port())
    with serving("--order", str(order), "--host", "127.0.0.1", "--drain", "0.3", "--workers", "2") as server:
        load = [Load(target_of(server)) for _ in range(4)]
        time.sleep(0.5)
        # when it is asked to end
        server.process.terminate()
        code, _, err = finish(server, 60)
        for one in load:
            one.join(30)
    # then each call was answered, or found nobody to connect to, and what was answered is in the log
    assert code == 0
    assert "Traceback" not in err
    for one in load:
        assert one.answered
        assert one.error.code() is grpc.StatusCode.UNAVAILABLE
        assert "failed to connect" in one.error.details().lower(), one.error
    assert logged_ids(store, "ward") == Counter(i for one in load for i in one.answered)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def test_a_port_that_is_taken_is_told(server):
    # given a server that speaks gRPC at a port, when another one is to share it unasked
    port = target_of(server).rpartition(":")[2]
    code, err = fails("line-1", "--store", str(server.store), "--port", "0", "--grpc-port", port)
    # then it is not let in
    assert code == 4
    assert f"port {port} of 127.0.0.1 cannot be listened on" in err


def test_several_processes_share_the_port(line, tmp_path):
    # given two processes, when many clients call them
    store = own_store(line, tmp_path)
    flags = ("--port", "0", "--grpc-port", "0", "--workers", "2", "--drain", "0")
    with serving("line-1", "--store", str(store), *flags) as server:
        for _ in range(20):
            client = Client(target_of(server))
            client.call("ModelInfer", of_line(50))
            client.channel.close()
        # then all calls are counted together
        kind = ("evermodel_requests_total", ("code", "200"), ("route", "infer"), ("version", "line-1"))
        assert metrics(server)[kind] == 20


def test_a_server_without_the_flag_speaks_no_grpc(line, tmp_path):
    with serving("line-1", "--store", str(own_store(line, tmp_path)), "--port", "0", "--drain", "0") as server:
        assert "gRPC" not in server.line
        libraries = Path(f"/proc/{server.process.pid}/maps").read_text()
        assert "cygrpc" not in libraries
        assert "_upb" not in libraries
