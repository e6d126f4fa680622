import threading
import time

import pytest

from evermodel.errors import DataError, RunError, SpecError
from evermodel.training.progress import Silent
from evermodel.training.search import worker as worker_module
from evermodel.training.search.board import Failure, MemoryBoard
from evermodel.training.search.worker import Worker, run_search, startable
from evermodel_api.training import Algorithm
from tests.unit.evermodel.training.search.bench import Formula, one_after_the_other, plan_of, record, trial

pytestmark = pytest.mark.timeout(60)


class Heard(Silent):
    """What was told of the trials."""

    def __init__(self):
        self.told = []

    def trials(self, ended, total, best, seconds_left):
        self.told.append((ended, total, best, seconds_left))


@pytest.fixture(scope="module")
def alone():
    return one_after_the_other(plan_of(30), 30)


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_any_number_of_workers_finds_the_same(alone, workers):
    # given threads that meet on one board
    board, objective, found = MemoryBoard(), Formula(sleeps=0.01), {}

    def work(name):
        found[name] = run_search(plan_of(30), objective, board, Worker(name), Silent())

    threads = [threading.Thread(target=work, args=(str(number),)) for number in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # then all of them found the same, and no fit was made twice
    assert {record(result.trials) for result in found.values()} == {record(alone.values())}
    assert len(objective.fits) <= 30 * 3
    assert {result.chosen.number for result in found.values()} == {found["0"].chosen.number}
    assert found["0"].search.trials == 30


def test_a_search_goes_on_where_another_process_ended(alone):
    # given a board with some results, and not the first ones only
    board, objective = MemoryBoard(), Formula()
    for number in (0, 1, 2, 3, 5):
        board.put(alone[number])
    # when the search is run
    found = run_search(plan_of(30), objective, board, Worker(), Silent())
    # then only the others are fitted
    assert record(found.trials) == record(alone.values())
    fitted = sum(len(t.folds) + (t.state == "Failed") for n, t in alone.items() if n not in {0, 1, 2, 3, 5})
    assert len(objective.fits) == fitted


def test_a_trial_may_begin_when_all_up_to_the_lag_have_ended():
    plan = plan_of(30)
    assert startable(plan, {}, 30) == list(range(8))
    ended = {number: trial(number) for number in (0, 1, 2, 4)}
    assert startable(plan, ended, 30) == [3, 5, 6, 7, 8, 9, 10]
    assert startable(plan, ended, 6) == [3, 5]
    assert startable(plan, {number: trial(number) for number in range(30)}, 30) == []


def test_nothing_is_searched_where_there_is_no_search():
    only = Algorithm.model_validate({"name": "mlp", "estimator": "MLPClassifier"})
    found = run_search(plan_of(30, algorithms=(only,)), Formula(), MemoryBoard(), Worker(), Silent())
    assert (len(found.trials), found.search.sampler, found.search.trials) == (1, "None", 1)


class Slow(Formula):
    """Every fit takes ten seconds, by a clock that goes on with it alone."""

    now = 0.0

    def fit_fold(self, algorithm, params, fold):
        self.now += 10
        return super().fit_fold(algorithm, params, fold)


def test_no_trial_begins_after_the_deadline(alone):
    # given trials that take 30 seconds
    objective, board = Slow(), MemoryBoard()
    # when there are 100 seconds
    found = run_search(plan_of(30), objective, board, Worker(deadline=100, clock=lambda: objective.now), Silent())
    # then four begin, and are brought to their end
    assert [t.number for t in found.trials] == [0, 1, 2, 3]
    assert (found.search.stopped_by, found.search.trials) == ("Timeout", 30)
    assert record(found.trials) == record(list(alone.values())[:4])
    # and all workers agree on it, those that have no deadline too
    later = run_search(plan_of(30), Formula(), board, Worker("1"), Silent())
    assert record(later.trials) == record(found.trials)


def test_a_deadline_that_is_over_lets_one_trial_begin():
    found = run_search(plan_of(30), Formula(), MemoryBoard(), Worker(deadline=0, clock=lambda: 5.0), Silent())
    assert len(found.trials) == 1


def test_a_deadline_after_the_last_trial_began_changes_nothing():
    objective = Slow()
    worker = Worker(deadline=30 * 30 - 5, clock=lambda: objective.now)
    assert (
        run_search(plan_of(30, pruner="None"), objective, MemoryBoard(), worker, Silent()).search.stopped_by == "Done"
    )


class Wrong:
    """An objective that finds something wrong at its second trial."""

    def __init__(self, error):
        self.error = error
        self.fits = 0

    def fit_fold(self, algorithm, params, fold):
        self.fits += 1
        if algorithm.name == "xgb":
            raise self.error
        return Formula().fit_fold(algorithm, {}, fold)


@pytest.mark.parametrize("error", [SpecError("ParameterUnknown", "no max_dept"), DataError("NoRows", "no rows")])
def test_what_is_wrong_for_one_worker_ends_all(error):
    # given a worker that met it
    board = MemoryBoard()
    with pytest.raises(type(error), match=str(error)):
        run_search(plan_of(30), Wrong(error), board, Worker("1"), Silent())
    # when the leader goes on
    with pytest.raises(type(error), match=str(error)) as caught:
        run_search(plan_of(30), Formula(), board, Worker("0"), Silent())
    # then it ends with the same
    assert caught.value.reason == error.reason


def test_a_trouble_of_one_worker_is_its_own():
    board = MemoryBoard()
    with pytest.raises(RunError):
        run_search(plan_of(30), Wrong(RunError("StoreUnavailable", "away")), board, Worker("1"), Silent())
    assert board.failure() is None


def test_when_every_trial_fails_the_run_does():
    only = Algorithm.model_validate({"name": "knn", "estimator": "KNeighborsClassifier", "params": {"n_neighbors": 3}})
    with pytest.raises(SpecError, match="none of 1 trials could be fitted; the first: so many neighbours cannot be"):
        run_search(plan_of(algorithms=(only,)), Formula(), MemoryBoard(), Worker(), Silent())


def test_progress_is_told_when_something_ended(alone, monkeypatch):
    # given somebody who listens
    monkeypatch.setattr(worker_module, "TICK", 0.01)
    heard = Heard()
    found = run_search(plan_of(30), Formula(sleeps=0.01), MemoryBoard(), Worker(), heard)
    # then the count only grows, and ends with all
    counts = [ended for ended, *_ in heard.told]
    assert counts == sorted(set(counts))
    assert len(counts) > 5
    assert heard.told[-1][:3] == (30, 30, f"roc_auc {found.chosen.scores['roc_auc']:.4f}")
    assert heard.told[-1][3] == 0
    assert any(left and 0 < left < 60 for *_, left in heard.told)


def test_what_others_did_is_told_while_a_fit_goes_on(alone, monkeypatch):
    # given a leader at a long fit
    monkeypatch.setattr(worker_module, "TICK", 0.01)
    board, heard = MemoryBoard(), Heard()
    for number in range(29):
        assert board.claim(number, "1")

    class Long(Formula):
        def fit_fold(self, algorithm, params, fold):
            if not board.results().keys() >= set(range(29)):
                raise AssertionError("it began too early")
            return super().fit_fold(algorithm, params, fold)

    def others():
        for number in range(29):
            board.put(alone[number])
            time.sleep(0.02)

    thread = threading.Thread(target=others)
    thread.start()
    run_search(plan_of(30), Long(), board, Worker(), heard)
    thread.join()
    assert len(heard.told) > 10


def test_signs_of_life_are_given_and_a_store_that_is_away_for_a_moment_is_put_up_with(monkeypatch):
    class Board(MemoryBoard):
        beats = 0

        def beat(self):
            self.beats += 1
            raise RunError("StoreUnavailable", "away")

    monkeypatch.setattr(worker_module, "TICK", 0.01)
    monkeypatch.setattr(worker_module, "BEAT_EVERY", 0.03)
    board = Board()
    run_search(plan_of(10), Formula(sleeps=0.02), board, Worker(), Silent())
    assert board.beats >= 2


def test_a_failure_that_was_written_down_ends_the_search_before_anything_is_fitted():
    board, objective = MemoryBoard(), Formula()
    board.put_failure(Failure.of(SpecError("ParameterUnknown", "no")))
    with pytest.raises(SpecError):
        run_search(plan_of(), objective, board, Worker(), Silent())
    assert objective.fits == []
