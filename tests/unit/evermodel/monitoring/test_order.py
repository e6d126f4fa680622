"""From a server's log to a verdict, as a pod does it."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evermodel.artifact import layout
from evermodel.artifact.model import model_frame, predict
from evermodel.errors import DataError, RunError, SpecError
from evermodel.monitoring.order import run_order
from evermodel_api.digest import digest_bytes
from evermodel_api.monitor import MonitorSpec, RequestCause, Situation, State
from evermodel_api.runs import MESSAGE_LIMIT, fit_message

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
RECENT = NOW - timedelta(minutes=45)


def report(outcome):
    content = Path(outcome.report.removeprefix("file://")).read_bytes()
    assert digest_bytes(content) == outcome.report_digest
    return json.loads(content)


def changed(spec, parts):
    return MonitorSpec.model_validate({**spec.dump(), **parts})


def test_a_window_like_the_training_data_is_healthy(ward, spec, make_patients):
    ward.serve(make_patients(400, seed=3), RECENT, labels=0.8)
    outcome = run_order(ward.order(spec))
    assert (outcome.state, outcome.alert, outcome.retrain) == (State.HEALTHY, False, None)
    assert (outcome.drifted, outcome.degraded, outcome.healthy_data) == (False, False, True)
    assert outcome.rows == 400
    assert outcome.label_coverage == pytest.approx(0.8, abs=0.06)
    assert outcome.reference_rows == 600
    assert outcome.window_to == NOW - timedelta(seconds=30)
    assert report(outcome)["concept"] == {"detector": None, "drift": False}


def test_older_and_sicker_patients_make_it_fire_and_ask_for_a_retraining(ward, spec, make_patients):
    memory, outcomes, asked = None, [], []
    for step in range(3):
        at = RECENT + timedelta(hours=step)
        ward.serve(make_patients(400, seed=10 + step, older=15.0, sicker=-3.0), at)
        now, situation = NOW + timedelta(hours=step), Situation(asked=asked)
        order = ward.order(spec, now=now, memory=memory, evaluation=str(step), situation=situation)
        outcomes.append(run_order(order))
        memory = outcomes[-1].memory
        asked += [now] if outcomes[-1].retrain else []
    assert [o.state for o in outcomes] == [State.SUSPECT, State.FIRING, State.FIRING]
    assert [o.alert for o in outcomes] == [False, True, False]
    assert [o.retrain for o in outcomes] == [None, RequestCause.PERFORMANCE, None]
    assert outcomes[0].drifted
    assert outcomes[0].degraded
    assert "age" in {finding.column for finding in outcomes[0].top}
    assert "may be asked for from 2026-11-24T19:00:00Z on" in outcomes[2].blocked.message
    assert all(len(fit_message(o).encode()) <= MESSAGE_LIMIT for o in outcomes)


def test_drift_without_labels_is_a_cause_of_its_own(ward, spec, make_patients):
    ward.serve(make_patients(400, seed=4, older=15.0), RECENT, labels=0.1)
    once = changed(spec, {"decide": {"fire": {"of": 1, "in": 1}}})
    outcome = run_order(ward.order(once))
    assert (outcome.state, outcome.retrain, outcome.degraded) == (State.FIRING, RequestCause.DRIFT, None)
    assert "performance was not judged, because" in outcome.message.lower()


def test_a_model_that_got_better_does_not_alarm(ward, spec, make_patients):
    rows = make_patients(400, seed=5)
    loaded = ward.loaded
    rows["disease"] = predict(loaded, model_frame(loaded.signature, rows)).labels
    ward.serve(rows, RECENT)
    outcome = run_order(ward.order(spec))
    assert (outcome.state, outcome.degraded) == (State.HEALTHY, False)
    assert report(outcome)["performance"][0]["value"] == 1.0


def test_no_log_yet_is_unknown_and_no_error(ward, spec):
    outcome = run_order(ward.order(spec))
    assert (outcome.state, outcome.failed, outcome.rows) == (State.UNKNOWN, False, 0)
    assert outcome.message == "No requests were logged in the window, so nothing was judged."


def test_too_few_rows_keep_the_state(ward, spec, make_patients):
    ward.serve(make_patients(99, seed=6, older=30.0), RECENT)
    outcome = run_order(ward.order(spec))
    assert (outcome.state, outcome.rows, outcome.memory.votes) == (State.UNKNOWN, 99, [])
    assert "99 rows and at least 100 are needed (window.minRows)" in outcome.message


def test_rows_outside_the_window_and_of_other_versions_are_not_looked_at(ward, spec, make_patients):
    ward.serve(make_patients(300, seed=7, older=30.0), NOW - timedelta(hours=3))
    ward.serve(make_patients(200, seed=8), RECENT, seed=1)
    ward.version = "heart-2"
    ward.serve(make_patients(300, seed=9, older=30.0), RECENT, seed=2)
    ward.version = "heart-1"
    outcome = run_order(ward.order(spec))
    assert (outcome.rows, outcome.state) == (200, State.HEALTHY)


def test_the_window_begins_and_ends_to_the_second(ward, spec, make_patients):
    end = NOW - timedelta(seconds=30)
    ward.serve(make_patients(150, seed=3), end - timedelta(hours=1, seconds=50))
    ward.serve(make_patients(60, seed=4), end - timedelta(seconds=20), seed=1)
    assert run_order(ward.order(spec)).rows == 100 + 20


def test_the_newest_label_wins_whatever_the_order_in_which_labels_came(ward, spec, make_patients):
    ids = ward.serve(make_patients(300, seed=11), RECENT, labels=0.0)
    loaded = ward.loaded
    log = pq.read_table(next((ward.store / "log").rglob("*.parquet")).parent)
    said = {
        i: json.loads(p) for i, p in zip(*(log[n].to_pylist() for n in (layout.ID, layout.PREDICTION)), strict=True)
    }
    ward.label(ids, [said[i] for i in ids], NOW - timedelta(minutes=2))
    ward.label(ids, [1 - said[i] for i in ids], NOW - timedelta(minutes=8))
    ward.label(["unknown"], [1], NOW - timedelta(minutes=1))
    ward.label(ids, [1 - said[i] for i in ids], NOW + timedelta(minutes=1))
    document = report(run_order(ward.order(spec)))
    assert document["performance"][0]["value"] == 1.0
    assert document["window"]["labelCoverage"] == 1.0
    assert loaded.signature.classes == [0, 1]


def test_bad_data_alerts_and_never_retrains(ward, spec, make_patients):
    rows = make_patients(400, seed=12, older=15.0, sicker=-3.0)
    rows.loc[:100, "chol"] = None
    rows.loc[101:150, "sex"] = "M"
    rows.loc[151:200, "pulse"] = 9000.0
    ward.serve(rows, RECENT)
    once = changed(spec, {"decide": {"fire": {"of": 1, "in": 1}}})
    outcome = run_order(ward.order(once))
    assert (outcome.state, outcome.alert, outcome.retrain) == (State.FIRING, True, None)
    assert outcome.healthy_data is False
    assert "bad data never trains a model" in outcome.blocked.message
    failed = {(c["check"], c["column"]) for c in report(outcome)["quality"] if not c["passed"]}
    assert failed == {("missing", "chol"), ("newLevels", "sex"), ("outOfRange", "pulse")}


def test_the_same_order_again_gives_the_same_report_even_when_the_log_grew(ward, spec, make_patients):
    ward.serve(make_patients(300, seed=13), RECENT)
    first = run_order(ward.order(spec))
    ward.serve(make_patients(300, seed=14, older=30.0), RECENT, seed=1)
    again = run_order(ward.order(spec))
    other = run_order(ward.order(spec, now=NOW + timedelta(seconds=1)))
    assert again == first
    assert (other.rows, other.report_digest != first.report_digest) == (600, True)


def test_a_report_does_not_depend_on_when_or_where_it_was_made(ward, spec, make_patients):
    ward.serve(make_patients(300, seed=13), RECENT)
    first = run_order(ward.order(spec))
    Path(first.report.removeprefix("file://")).unlink()
    assert run_order(ward.order(spec)).report_digest == first.report_digest


def test_more_rows_than_the_limit_are_sampled_the_same_way_each_time(ward, spec, make_patients):
    ward.serve(make_patients(900, seed=15), RECENT)
    small = changed(spec, {"window": {**spec.window.dump(), "maxRows": 250}})
    first = report(run_order(ward.order(small)))
    second = report(run_order(ward.order(small, evaluation="2")))
    assert (first["window"]["rows"], first["window"]["seen"]) == (250, 900)
    assert first["columns"] == second["columns"]


def test_a_broken_log_file_is_left_out_and_named(ward, spec, make_patients):
    ward.serve(make_patients(300, seed=16), RECENT)
    folder = next((ward.store / "log").rglob("*.parquet")).parent
    (folder / "torn-00000001.parquet").write_bytes(b"PAR1 and no more")
    pq.write_table(pa.table({"age": [1.0]}), folder / "strange-00000001.parquet")
    (folder / ".half.tmp").write_bytes(b"")
    outcome = run_order(ward.order(spec))
    assert (outcome.state, outcome.rows) == (State.HEALTHY, 300)
    names = {Path(name).name for name in report(outcome)["inputs"]["log"]["unreadable"]}
    assert names == {"torn-00000001.parquet", "strange-00000001.parquet"}


def test_a_redacted_column_is_named_and_not_taken_for_missing(ward, spec, make_patients):
    ward.serve(make_patients(300, seed=17), RECENT)
    for path in (ward.store / "log").rglob("*.parquet"):
        pq.write_table(pq.read_table(path).drop_columns(["chol"]), path)
    outcome = run_order(ward.order(spec))
    assert (outcome.state, outcome.healthy_data) == (State.HEALTHY, True)
    assert report(outcome)["window"]["absent"] == ["chol"]
    assert "chol could not be compared" in outcome.message.lower()


def test_changed_bytes_of_the_baseline_are_refused(ward, spec):
    path = Path(ward.artifact.uri.removeprefix("file://")) / "baseline.json"
    path.write_bytes(path.read_bytes().replace(b'"rows":600', b'"rows":601'))
    with pytest.raises(DataError, match=r"baseline\.json of the artifact .* was changed"):
        run_order(ward.order(spec))


@pytest.mark.parametrize(
    ("metric", "reason"),
    [
        ({"name": "rmse", "max": 1.0}, "MetricUnsuited"),
        ({"name": "f1", "maxDrop": 0.1}, "MetricNotMeasured"),
    ],
)
def test_a_limit_that_cannot_be_applied_is_refused(ward, spec, metric, reason):
    with pytest.raises(SpecError, match=r"performance.metrics\[0\]") as error:
        run_order(ward.order(changed(spec, {"performance": {"metrics": [metric]}})))
    assert error.value.reason == reason


def test_an_unreadable_store_is_told(ward, spec):
    order = ward.order(spec).model_copy(update={"store": "nosuchprotocol://bucket"})
    with pytest.raises(RunError, match="cannot be used") as error:
        run_order(order)
    assert error.value.reason == "StoreUnavailable"
