import math

import pytest

from evermodel.errors import RunError, SpecError
from evermodel.training.ledger import Fold
from evermodel.training.search.propose import Proposal
from evermodel.training.search.trial import FoldFit, compute_trial, one_by_one, without_times
from tests.unit.evermodel.training.search.bench import Formula, plan_of, trial

PROPOSAL = Proposal(0, {"n_neighbors": 5, "weights": "uniform"}, {"n_neighbors": 5})


class Told:
    """An objective that does as it is told, fold by fold."""

    def __init__(self, said):
        self.said = said

    def fit_fold(self, algorithm, params, fold):
        said = self.said[fold]
        if isinstance(said, Exception):
            raise said
        return FoldFit(Fold(scores={"roc_auc": said}, seconds=1, cpu_seconds=1), (f"note {fold % 2}",))


def compute(objective, number=0, known=None):
    return compute_trial(plan_of(30), number, PROPOSAL, known or {}, one_by_one(objective))


def test_a_trial_tells_what_it_was_and_how_its_folds_went():
    done = compute(Told([0.5, 0.6, 0.7]))
    assert (done.algorithm, done.estimator, done.state) == ("knn", "KNeighborsClassifier", "Complete")
    assert (done.params, done.searched) == (PROPOSAL.params, PROPOSAL.searched)
    assert [fold.scores["roc_auc"] for fold in done.folds] == [0.5, 0.6, 0.7]
    assert done.scores == pytest.approx({"roc_auc": 0.6})
    assert done.notes == ["note 0", "note 1"]


def test_an_undefined_score_is_left_out():
    done = compute(Told([math.nan, 0.6, math.inf]))
    assert [fold.scores for fold in done.folds] == [{}, {"roc_auc": 0.6}, {}]
    assert done.scores == {"roc_auc": 0.6}


def test_a_trial_that_cannot_be_fitted_fails_with_the_librarys_words():
    done = compute(Told([0.5, SpecError("FitFailed", "n_neighbors is larger than the rows"), 0.7]))
    assert done.state == "Failed"
    assert done.notes == ["note 0", "n_neighbors is larger than the rows"]
    assert len(done.folds) == 1


@pytest.mark.parametrize("error", [SpecError("ParameterUnknown", "no"), RunError("StoreUnavailable", "no"), OSError()])
def test_any_other_error_ends_the_search(error):
    with pytest.raises(type(error)) as caught:
        compute(Told([0.5, error]))
    assert caught.value is error


def test_a_hopeless_trial_is_given_up_and_keeps_its_folds():
    # given enough good trials
    known = {n: trial(n, 0.8, 0.8, 0.8) for n in range(13)}
    # when one begins badly
    done = compute(Told([0.9, 0.5, RuntimeError("is not reached")]), 20, known)
    # then it ends there
    assert (done.state, len(done.folds), done.scores) == ("Pruned", 2, {"roc_auc": 0.7})


def test_times_and_names_are_no_part_of_what_a_trial_is():
    one, other = (compute(Formula()).model_copy(update={"worker": name}) for name in "ab")
    assert one != other
    assert without_times(one) == without_times(other)
