"""Keys, TLS, the access log, traces and limits of a real server, in one process and in two."""

import http.client
import json
import re
import ssl
import subprocess
import time
from collections import Counter

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.unit.evermodel.serving.certificates import write_certificate
from tests.unit.evermodel.serving.collector import attributes, collecting
from tests.unit.evermodel.serving.test_process import fails, own_store, start

KEY, OTHER = "ward-key-0123456789abcdef", "lab-key-0123456789abcdefgh"
PREDICTED = ("infer", "v1_predict", "values")
LOG = "evermodel_log"
PREDICT = "/v1/models/line:predict"
INFER = "/v2/models/line/infer"
TENSOR = {"inputs": [{"name": "x", "shape": [1, 1], "datatype": "FP64", "data": [50]}]}


class Client:
    """Asks a server by HTTPS, on a new connection each time."""

    def __init__(self, line: str, certificates) -> None:
        found = re.search(r"https://127\.0\.0\.1:(\d+) ", line)
        assert found, line
        self.port = int(found[1])
        self.context = ssl.create_default_context(cafile=str(certificates / "tls.crt"))
        self.context.check_hostname = False

    def ask(self, method: str, path: str, document: object = None, **headers: str) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=self.context, timeout=20)
        body = document if isinstance(document, bytes | None) else json.dumps(document)
        try:
            connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            response = connection.getresponse()
            return response.status, dict(response.headers), response.read()
        finally:
            connection.close()

    def metrics(self) -> dict[tuple, float]:
        families = text_string_to_metric_families(self.ask("GET", "/metrics")[2].decode())
        return {(s.name, *sorted(s.labels.items())): s.value for family in families for s in family.samples}


def wait_until(condition, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.05)


def check_counts(client: Client, asked: Counter) -> None:
    """The counters of all processes together are what was asked, and the log has what was answered."""
    found = client.metrics()
    for (route, code), count in asked.items():
        labels = (("code", str(code)), ("route", route))
        total = sum(v for k, v in found.items() if k[0] == "evermodel_requests_total" and set(labels) <= set(k[1:]))
        assert total == count, (route, code, total, count)
    for route in {route for route, _ in asked}:
        requests = sum(v for k, v in found.items() if k[0] == "evermodel_requests_total" and ("route", route) in k)
        times = sum(
            v for k, v in found.items() if k[0] == "evermodel_request_duration_seconds_count" and ("route", route) in k
        )
        assert requests == times, route
    answered = sum(count for (route, code), count in asked.items() if code == 200 and route in PREDICTED)
    wait_until(lambda: log_counts(client)["received"] == answered)  # each process publishes its counts once a second
    counts = log_counts(client)
    assert counts["received"] == counts["stored"] + counts["sampled_out"] + counts["dropped"] + counts["pending"]
    assert counts["dropped"] == 0


def log_counts(client: Client) -> dict[str, float]:
    """What became of the requests in the log, of all processes."""
    found = {key: value for key, value in client.metrics().items() if key[0].startswith(LOG)}
    outcomes = {dict(key[1:])["outcome"]: value for key, value in found.items() if key[0] == f"{LOG}_total"}
    more = {key[0].removeprefix(f"{LOG}_"): value for key, value in found.items() if key[0] != f"{LOG}_total"}
    return {**outcomes, "received": more["received_total"], "pending": more["pending"]}


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_guarded_server(line, tmp_path, monkeypatch, workers):
    # given a server with everything on
    store, keys, tls = own_store(line, tmp_path), tmp_path / "keys", tmp_path / "tls"
    keys.mkdir()
    (keys / "ward").write_text(KEY)
    write_certificate(tls)
    arguments = ["line", "--store", str(store), "--port", "0", "--drain", "0", "--workers", workers, "--access-log"]
    arguments += ["--keys", str(keys), "--tls", str(tls), "--max-body", "1", "--max-rows", "5"]
    with collecting() as collector:
        for name, value in collector.environment.items():
            monkeypatch.setenv(name, value)
        process = start(*arguments)
        try:
            client = Client(process.stdout.readline(), tls)
            asked = drive(client)
            check_counts(client, asked)
            swap(client, keys, tls)
        finally:
            process.terminate()
            try:
                out, err = process.communicate(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
    # then it ended well, with a line for each request that names the key and never shows one
    assert process.returncode == 0, err
    assert "Traceback" not in err
    assert KEY not in out + err
    assert OTHER not in out + err
    lines = [json.loads(text) for text in out.splitlines() if text.startswith("{")]
    found = Counter((entry["route"], entry["status"]) for entry in lines)
    assert all(found[what] >= count for what, count in asked.items())
    assert {entry.get("key") for entry in lines if entry["status"] == 200 and entry["route"] == "infer"} == {"ward"}
    # and a span for each, of which one belongs to the client's trace
    told = Counter(
        (attributes(span)["http.route"], attributes(span)["http.response.status_code"]) for span in collector.spans
    )
    assert told["/v2/models/{model}/infer", 200] == asked["infer", 200]
    assert told["/v1/models/{model}:predict", 401] >= asked["v1_predict", 401]
    assert "4bf92f3577b34da6a3ce929d0e0e4736" in {span.trace_id.hex() for span in collector.spans}
    assert len(collector.spans) == len(lines)


def drive(client: Client) -> Counter:
    """Ask in every way; how often each route answered with each code."""
    asked: Counter = Counter()
    good = {"authorization": f"Bearer {KEY}"}
    trace = {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}
    one, six = {"instances": [[50]]}, {"instances": [[n] for n in range(6)]}

    def ask(route: str, code: int, method: str, path: str, document: object = None, **headers: str) -> bytes:
        status, found, body = client.ask(method, path, document, **headers)
        assert status == code, (path, status, body)
        asked[route, code] += 1
        if code == 401:
            assert "www-authenticate" in found
        if code >= 400:
            assert list(json.loads(body)) == ["error"]
        return body

    for _ in range(8):
        ask("infer", 200, "POST", INFER, TENSOR, **good)
        ask("v1_predict", 200, "POST", PREDICT, one, x_api_key=KEY)
    ask("infer", 200, "POST", INFER, TENSOR, **good, **trace)
    # without a key, and with a wrong one, nothing is answered: neither directly nor otherwise, nor where nothing is
    ask("v1_predict", 401, "POST", PREDICT, one)
    ask("v1_predict", 401, "POST", PREDICT, one, x_api_key=OTHER)
    ask("v1_predict", 401, "POST", PREDICT, b" " * 300_000, x_api_key=OTHER)
    ask("values", 401, "GET", "/v2/model/line/50/prediction")
    ask("model_metadata", 401, "GET", "/v2/models/line")
    ask("feedback", 401, "POST", "/v2/models/line/feedback", {"id": "a", "truth": 1})
    # who watches the server needs none
    ask("live", 200, "GET", "/v2/health/live")
    ask("ready", 200, "GET", "/v2/health/ready")
    # and the limits hold, on the event loop and in threads
    assert b"the limit is 5" in ask("v1_predict", 413, "POST", PREDICT, six, **good)
    padded = json.dumps(six).encode() + b" " * 200_000
    assert b"the limit is 5" in ask("v1_predict", 413, "POST", PREDICT, padded, **good)
    assert b"1048576" in ask("v1_predict", 413, "POST", PREDICT, b" " * (2**20 + 1), **good)
    labels = {"id": "a", "truth": [1.0] * 6}
    assert b"the limit is 5" in ask("feedback", 413, "POST", "/v2/models/line/feedback", labels, **good)
    ask("values", 200, "GET", "/v2/model/line/50/prediction", **good)
    return asked


def swap(client: Client, keys, tls) -> None:
    """Another key and another certificate, while it runs."""
    (keys / "lab").write_text(OTHER)
    (keys / "ward").unlink()
    write_certificate(tls)
    wait_until(lambda: client.ask("GET", "/v2/models", x_api_key=OTHER)[0] == 200 if renewed(client, tls) else False)
    wait_until(lambda: {client.ask("GET", "/v2/models", x_api_key=KEY)[0] for _ in range(6)} == {401})


def renewed(client: Client, tls) -> bool:
    """Whether a client that trusts the new certificate only is answered, by every process."""
    client.context = ssl.create_default_context(cafile=str(tls / "tls.crt"))
    client.context.check_hostname = False
    try:
        return all(client.ask("GET", "/v2/health/live")[0] == 200 for _ in range(6))
    except ssl.SSLError:
        return False


def test_what_cannot_be_used_ends_the_server_with_a_sentence(line, tmp_path):
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "ward").write_text("short")
    for flag, said in (("--keys", "API key ward has 5 characters"), ("--tls", "tls.crt is not there")):
        code, err = fails("line", "--store", str(line.store), "--port", "0", flag, str(tmp_path / "keys"))
        assert code == 4
        assert said in err
        assert "Traceback" not in err
