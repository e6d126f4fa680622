import pytest

from evermodel.artifact.store import list_names, write_bytes
from evermodel.errors import RunError
from evermodel.training.progress import Silent
from evermodel.training.search.plan import plan_search
from evermodel.training.search.work import (
    Work,
    open_board,
    read_work,
    run_pod_worker,
    run_worker,
    work_uri,
    write_work,
)
from evermodel.training.search.worker import Worker, run_search
from evermodel_api.runs import TrainingOrder
from tests.unit.evermodel.training.search.bench import ALGORITHMS, Formula


@pytest.fixture
def order(tmp_path):
    spec = {
        "target": "y",
        "data": {"sources": [{"name": "s", "file": {"uri": "rows.csv"}}]},
        "algorithms": [algorithm.dump() for algorithm in ALGORITHMS],
        "tuning": {"maxTrials": 12, "workers": 2},
        "validation": {"metrics": ["roc_auc"], "cv": {"folds": 3}},
    }
    document = {"namespace": "n", "training": "m", "run": 3, "spec": spec, "store": str(tmp_path)}
    cause = {"by": "spec", "reason": "Created"}
    moment = "2026-11-24T12:00:00Z"
    return TrainingOrder.model_validate({**document, "specDigest": f"sha256:{1:064}", "asOf": moment, "cause": cause})


def work_of(order, data=1):
    return Work(order=order, data=f"sha256:{data:064}", snapshot="snapshot.parquet")


def test_work_is_the_same_again(order):
    uri = write_work(work_of(order))
    assert read_work(uri) == work_of(order)
    assert uri == work_uri(order)


def test_other_rows_and_other_orders_are_searched_anew(order):
    other_order = order.model_copy(update={"spec_digest": f"sha256:{2:064}"})
    assert len({work_of(order).board, work_of(order, 2).board, work_of(other_order).board}) == 3


def test_what_is_no_work_is_told(tmp_path):
    write_bytes(str(tmp_path / "work.json"), b"{}")
    with pytest.raises(RunError, match="is no work of this release") as caught:
        read_work(str(tmp_path / "work.json"))
    assert caught.value.reason == "OrderInvalid"


def test_a_worker_does_what_the_leader_then_finds(order):
    # given a worker that was alone with the work
    work = work_of(order)
    made = []

    def factory(seen):
        made.append(seen)
        return Formula()

    run_worker(write_work(work), 1, factory)
    # when the leader looks
    leader = Formula()
    found = run_search(plan_search(order.spec), leader, open_board(work), Worker(), Silent())
    # then there is nothing left to do
    assert leader.fits == []
    assert (len(found.trials), {trial.worker for trial in found.trials}) == (12, {"1"})
    assert made == [work]


def test_a_pod_waits_for_its_work_and_does_what_a_leader_that_began_again_leaves(order):
    # given the work of a former training of the same name
    former = order.model_copy(update={"spec_digest": f"sha256:{2:064}"})
    write_work(work_of(former))
    waits, done = [], []

    def wait(seconds):
        waits.append(seconds)
        if len(waits) == 3:
            write_work(work_of(order))

    def factory(work):
        done.append(work)
        if len(done) == 1:  # the leader begins again, and reads other rows
            write_work(work_of(order, 2))
        return Formula()

    # when a pod takes part
    run_pod_worker(order, 1, factory, wait)
    # then it waited for its own, and did both
    assert len(waits) == 3
    assert done == [work_of(order), work_of(order, 2)]
    assert len(list_names(f"{done[1].board}/trials")) == 12
