"""A pod's port: what the operator and Prometheus get, over real sockets."""

import http.client
import io
import json
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from evermodel.training.progress import Standing
from evermodel.training.report_port import PHASES, ReportPort, metric_families, progress_document
from evermodel_api.training import Progress


@pytest.fixture
def report():
    with ReportPort("heart", 3, port=0, out=io.StringIO()) as report:
        yield report


def get(port, path, method="GET"):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request(method, path)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, answer.headers["Content-Type"], body.decode()


def samples(text):
    families = text_string_to_metric_families(text)
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for family in families for s in family.samples}


def test_the_operator_gets_the_contract(report):
    report.phase("Searching")
    report.trials(12, 60, "roc_auc 0.9123", 80.4)
    report.say("knn failed once")
    status, kind, body = get(report.port, "/progress")
    assert (status, kind) == (200, "application/json")
    progress = Progress.model_validate_json(body)
    assert progress == Progress(
        phase="Searching", trial=12, trials=60, best="roc_auc 0.9123", seconds_left=80, message="knn failed once"
    )


def test_a_run_that_has_told_nothing_yet_is_starting(report):
    assert json.loads(get(report.port, "/progress?pretty")[2]) == {"phase": "Starting", "message": ""}


def test_prometheus_gets_the_run(report):
    report.phase("Collecting")
    report.rows(300)
    report.phase("Searching")
    report.trials(12, 60, "roc_auc 0.9123", 80.0)
    status, kind, body = get(report.port, "/metrics")
    assert status == 200
    assert kind.startswith("text/plain")
    found = samples(body)
    run = (("run", "3"), ("training", "heart"))

    def of(name, **labels):
        return found[name, tuple(sorted((*run, *labels.items())))]

    assert {phase: of("evermodel_run_phase", phase=phase) for phase in PHASES} == {
        phase: float(phase == "Searching") for phase in PHASES
    }
    assert of("evermodel_run_trials", state="ended") == 12
    assert of("evermodel_run_trials", state="planned") == 60
    assert of("evermodel_run_best_score", metric="roc_auc") == 0.9123
    assert of("evermodel_run_rows") == 300
    assert 0 <= of("evermodel_run_phase_seconds", phase="Collecting") < 5
    assert of("evermodel_run_seconds") >= of("evermodel_run_phase_seconds", phase="Searching")
    assert 70 < of("evermodel_run_seconds_left") <= 80
    assert ("process_resident_memory_bytes", ()) in found


def test_what_is_not_known_is_left_out(report):
    found = {name for name, _ in samples(get(report.port, "/metrics")[2])}
    assert {"evermodel_run_rows", "evermodel_run_best_score", "evermodel_run_trials"} & found == set()


def test_there_is_nothing_else_at_the_port(report):
    assert get(report.port, "/")[0] == 404
    assert get(report.port, "/progress", "POST")[0] == 501


def test_a_port_that_is_taken_is_told_and_nothing_more():
    # given a port that somebody listens on
    with socket.create_server(("127.0.0.1", 0)) as taken:
        out = io.StringIO()
        port = taken.getsockname()[1]
        # when a run would like it
        with ReportPort("heart", 1, port=port, out=out) as report:
            # then the run goes on without
            assert report.port is None
            report.phase("Fitting")
            report.trials(1, 1, None, None)
    assert out.getvalue().splitlines() == [
        f"the port {port} cannot be listened on (Address already in use): nobody can ask for progress",
        "trial 1 of 1",
    ]


def test_nobody_answers_after_the_run():
    with ReportPort("heart", 1, port=0, out=io.StringIO()) as report:
        port = report.port
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=2)


def test_a_client_that_says_nothing_holds_up_nobody(report):
    with socket.create_connection(("127.0.0.1", report.port), timeout=5):
        assert get(report.port, "/progress")[0] == 200


def test_sentences_go_to_the_pods_log():
    out = io.StringIO()
    with ReportPort("heart", 1, port=0, out=out) as report:
        report.say("300 rows read")
        report.trials(1, 2, "f1 0.5", 9.0)  # too soon for the log
        report.trials(2, 2, "f1 0.5", 0.0)
    assert out.getvalue() == "300 rows read\ntrial 2 of 2, best f1 0.5\n"


@given(
    st.builds(
        Standing,
        began=st.just(0.0),
        phase=st.text(max_size=90),
        ended=st.integers(0, 9),
        total=st.integers(0, 9),
        best=st.none() | st.text(max_size=90),
        done_at=st.none() | st.floats(0, 1e9),
        row_count=st.none() | st.integers(0, 10**9),
        message=st.text(max_size=400),
    )
)
def test_whatever_was_told_fits_the_contract(standing):
    document = progress_document(standing, 1.0)
    assert Progress.model_validate_json(document.model_dump_json()) == document
    assert list(metric_families(standing, 1.0, {"run": "1"}))
