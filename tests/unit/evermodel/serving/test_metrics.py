"""What Prometheus reads: the sum over processes, and logs that went on in another process."""

import os
from dataclasses import dataclass, field

from prometheus_client.parser import text_string_to_metric_families

from evermodel.serving.counters import ENDED_CPU, READY, Counters, Layout, make_file
from evermodel.serving.engine import load_served_model
from evermodel.serving.metrics import Metrics
from evermodel.serving.process_usage import Usage, read_usage
from evermodel.serving.registry import Hosted, Registry


@dataclass
class Log:
    """A log that says what the test tells it."""

    counts: dict = field(default_factory=dict)


def read(text: bytes) -> dict:
    families = text_string_to_metric_families(text.decode())
    return {(s.name, *sorted(s.labels.items())): s.value for family in families for s in family.samples}


def test_the_text_is_the_sum_of_all_processes(line):
    # given two processes that answer with the line
    layout, log, labels = Layout.of([("line", "line-1")], 2), Log(), Log()
    file = make_file(layout)
    served = load_served_model("line", "line-1", line.artifact.uri, line.artifact.digest)
    registry = Registry()
    registry.publish([Hosted(served, log, labels)])
    both = [Metrics(registry, Counters(layout, number, file)) for number in range(2)]
    for number, metrics in enumerate(both):
        metrics.counters.begin(100.0 + number)
        metrics.counters.set(READY, 1)
        metrics.observe("infer", 200, "line-1", 0.002, 2)
        log.counts = {"received": 5, "stored": 3, "sampled_out": 0, "dropped": 0, "pending": 2, "write_failures": 1}
        labels.counts = {"received": 1, "stored": 0, "dropped": 0, "pending": 1, "write_failures": 0}
        metrics.publish()
    # when one of them dies, and its successor has counted two requests for the log
    again = Metrics(registry, Counters(layout, 1, file))
    again.counters.begin(200.0)
    log.counts = {"received": 2, "stored": 2, "sampled_out": 0, "dropped": 0, "pending": 0, "write_failures": 0}
    again.publish()
    again.publish()
    parent = Counters(layout, 2, file)
    parent.set(ENDED_CPU, 1000.0)
    found = read(both[0].render())
    os.close(file)
    # then requests, rows and logs are added up, and nothing went back
    version = ("version", "line-1")
    assert found["evermodel_requests_total", ("code", "200"), ("route", "infer"), version] == 2
    assert found["evermodel_request_duration_seconds_count", ("route", "infer"), version] == 2
    assert found["evermodel_request_duration_seconds_bucket", ("le", "0.001"), ("route", "infer"), version] == 0
    assert found["evermodel_request_duration_seconds_bucket", ("le", "0.0025"), ("route", "infer"), version] == 2
    assert found["evermodel_predicted_rows_total", version] == 4
    assert found["evermodel_log_received_total", version] == 12
    assert found["evermodel_log_total", ("outcome", "stored"), version] == 8
    assert found["evermodel_log_pending", version] == 2
    assert found["evermodel_feedback_received_total", ("model", "line")] == 3
    # and processes are seen as one server: the time of those that ended is not forgotten
    assert found["evermodel_processes",] == 1
    assert found["evermodel_ready",] == 1
    assert found["process_cpu_seconds_total",] > 1000
    assert found["process_resident_memory_bytes",] > 20e6
    assert found["process_start_time_seconds",] == 100.0


def test_the_kernel_is_asked_what_a_process_uses():
    used = read_usage(os.getpid())
    assert used.cpu_seconds > 0
    assert used.resident_bytes < used.virtual_bytes
    assert used.open_files > 2
    assert read_usage(2**22 + 1) == Usage()
