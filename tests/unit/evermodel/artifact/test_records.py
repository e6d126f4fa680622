"""Finding versions in a store without a cluster."""

import shutil

import pytest

from evermodel.artifact.model import load_artifact
from evermodel.artifact.records import find_version, latest_passed, recorded_runs
from evermodel.errors import DataError
from tests.unit.evermodel.bench import classes, save, spec_of, train

NEVER = {"gates": [{"metric": "accuracy", "min": 1.0}], "params": {"max_depth": 1, "min_samples_leaf": 24}}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A store in which the first run passed, and the second was refused."""
    folder = tmp_path_factory.mktemp("store")
    data = save(classes(), folder / "rows.csv")
    assert train(folder, spec_of(data, "DecisionTreeClassifier"), name="kneighbors_heart").document["passed"]
    refused = train(folder, spec_of(data, "DecisionTreeClassifier", **NEVER), name="kneighbors_heart")
    assert not refused.document["passed"]
    return folder / "store"


def test_a_version_is_found_by_its_name(store):
    assert recorded_runs(str(store), "kneighbors_heart") == [1, 2]
    found = [find_version(str(store), f"kneighbors_heart-{i}") for i in (1, 2)]
    assert [version.name for version in found] == ["kneighbors_heart-1", "kneighbors_heart-2"]
    assert found[0].digest != found[1].digest


def test_the_name_of_a_model_finds_its_newest_version_that_passed(store):
    assert find_version(str(store), "kneighbors_heart").name == "kneighbors_heart-1"
    assert latest_passed(str(store), "kneighbors_heart").version == "kneighbors_heart-1"
    assert latest_passed(str(store), "nobody") is None


def test_a_directory_and_an_uri_are_versions_too(store):
    found = find_version(str(store), "kneighbors_heart-1")
    for wanted in (found.uri, found.uri.removeprefix("file://")):
        same = find_version(None, wanted)
        assert (same.uri, same.digest) == (found.uri, found.digest)


def test_a_directory_of_another_name_is_taken_as_it_is(store, tmp_path):
    found = find_version(str(store), "kneighbors_heart-1")
    shutil.copytree(found.uri.removeprefix("file://"), tmp_path / "mine")
    mine = find_version(None, str(tmp_path / "mine"))
    assert (mine.name, mine.digest) == ("mine", found.digest)


def test_a_store_that_was_copied_is_whole_in_its_new_place(store, tmp_path):
    shutil.copytree(store, tmp_path / "copy")
    found = find_version(str(tmp_path / "copy"), "kneighbors_heart-1")
    assert found.uri.startswith(f"file://{tmp_path}/copy/artifacts/")
    assert load_artifact(found.uri, found.digest).digest == found.digest


@pytest.mark.parametrize(
    ("place", "wanted", "said"),
    [
        (
            True,
            "kneighbors_heart-3",
            "has no version kneighbors_heart-3; it has kneighbors_heart-1, kneighbors_heart-2",
        ),
        (True, "liver", "has no version liver"),
        (False, "heart-1", "heart-1 is no directory of an artifact; name one, or give --store DIR and a version"),
        (False, "file:///nowhere", "file:///nowhere holds no manifest.json"),
    ],
)
def test_what_is_not_there_is_told_with_what_is(store, place, wanted, said):
    with pytest.raises(DataError) as error:
        find_version(str(store) if place else None, wanted)
    assert error.value.reason == "VersionNotFound"
    assert said in str(error.value)
