"""Pickles are made and loaded only where the admin allows them, and no byte is read where not."""

import numpy as np
import pytest
from sklearn.cluster import Birch
from sklearn.ensemble import RandomForestRegressor

from evermodel.artifact.pickle_file import dump_pickle, load_pickle
from evermodel.errors import DataError, SpecError

ROWS = np.random.default_rng(0).normal(size=(60, 3))


def fitted(jobs=1):
    return RandomForestRegressor(4, n_jobs=jobs, random_state=0).fit(ROWS, ROWS[:, 0])


def test_what_skops_cannot_hold_goes_its_way_through_a_pickle():
    # given Birch, whose tree points back at itself
    model = Birch(n_clusters=2).fit(ROWS)
    loaded = load_pickle(dump_pickle(model, allowed=True), allowed=True)
    assert (loaded.transform(ROWS) == model.transform(ROWS)).all()


def test_equal_models_have_equal_bytes_whatever_jobs_fitted_them():
    one, other = fitted(1), fitted(3)
    assert dump_pickle(one, allowed=True) == dump_pickle(other, allowed=True)
    # and again after their way through the file
    loaded = load_pickle(dump_pickle(one, allowed=True), allowed=True)
    assert dump_pickle(loaded, allowed=True) == dump_pickle(one, allowed=True)


def test_none_is_made_where_it_is_not_allowed():
    with pytest.raises(SpecError, match=r"artifacts\.allowPickle") as error:
        dump_pickle(fitted(), allowed=False)
    assert error.value.reason == "PickleRefused"


def test_none_is_loaded_where_it_is_not_allowed_and_nothing_is_run():
    content = dump_pickle({"model": fitted()}, allowed=True)
    with pytest.raises(DataError, match=r"artifacts\.allowPickle") as error:
        load_pickle(content, allowed=False)
    assert error.value.reason == "PickleRefused"
    with pytest.raises(DataError, match="not loaded here"):
        load_pickle(b"cos\nsystem\n(S'exit 1'\ntR.", allowed=False)


@pytest.mark.parametrize("content", [b"", b"no pickle", b"cno_such_module\nthing\n."])
def test_bytes_that_are_no_pickle_are_told(content):
    with pytest.raises(DataError, match="the pickle cannot be loaded") as error:
        load_pickle(content, allowed=True)
    assert error.value.reason == "ArtifactInvalid"


def test_what_cannot_be_pickled_is_told():
    with pytest.raises(SpecError, match="cannot be kept as a pickle") as error:
        dump_pickle({"model": lambda: 0}, allowed=True)
    assert error.value.reason == "ModelTypeRefused"
