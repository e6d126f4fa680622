"""The kernel is compiled whole or not at all, is of this source, and puts nodes and rows into one order."""

import shutil
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evermodel.compiled import build, kernel
from evermodel.compiled.model import KernelMissingError
from evermodel.compiled.trees import compile_trees
from tests.unit.evermodel.compiled.tree_cases import CLASSIFIERS, REGRESSORS, fitted, table


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    """The source alone in a folder of its own, and nothing loaded yet."""
    source = tmp_path / "kernel.c"
    shutil.copy(build.SOURCE, source)
    monkeypatch.setattr(build, "SOURCE", source)
    kernel._libraries.cache_clear()
    yield tmp_path
    kernel._libraries.cache_clear()


def test_it_is_there():
    assert kernel.available(), kernel.missing()
    assert kernel.missing() == ""


def test_without_it_the_reason_is_told(elsewhere):
    assert not kernel.available()
    assert "not compiled" in kernel.missing()
    with pytest.raises(KernelMissingError, match="not compiled"):
        kernel.distinct(np.zeros((1, 1)))


def test_one_of_another_source_is_not_loaded(elsewhere):
    build.build()
    build.SOURCE.write_text(build.SOURCE.read_text() + "\n/* changed */\n")
    assert "another kernel.c" in kernel.missing()


def test_what_is_no_library_is_not_loaded(elsewhere):
    build.library_path().write_bytes(b"no library")
    assert "cannot be loaded" in kernel.missing()


def test_two_may_build_at_once(elsewhere):
    with ThreadPoolExecutor(2) as pool:
        built = list(pool.map(lambda _: build.build(), range(2)))
    assert built[0] == built[1] == build.library_path()
    assert sorted(path.name for path in elsewhere.iterdir()) == sorted(["kernel.c", build.library_path().name])


def test_the_same_source_gives_the_same_bytes(elsewhere):
    first = build.build().read_bytes()
    assert build.build().read_bytes() == first


def test_a_compiler_that_is_not_there(elsewhere, monkeypatch, capsys):
    monkeypatch.setenv("CC", "no-such-compiler")
    assert build.main() == 3
    assert "no-such-compiler" in capsys.readouterr().err
    assert not build.library_path().exists()


def test_a_source_that_is_refused(elsewhere):
    build.SOURCE.write_text("no C at all")
    with pytest.raises(build.BuildError, match=r"refuses kernel\.c"):
        build.build()
    assert [path.name for path in elsewhere.iterdir()] == ["kernel.c"]


def test_several_threads_get_their_own_answers():
    model = compile_trees(fitted(CLASSIFIERS["forest"], 1, 3))
    rows = table(2, 0, gaps=False)[0]
    wanted = model.predict(rows)
    places = np.random.default_rng(0).integers(0, len(rows), (200, 9))
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda chosen: model.predict(rows[chosen]), places))
    for chosen, answered in zip(places, made, strict=True):
        np.testing.assert_array_equal(answered, wanted[chosen])


def test_long_walks_let_go_of_the_lock_and_answer_alike():
    model = compile_trees(fitted(REGRESSORS["forest"], 1, 0))
    rows = np.tile(table(2, 0, gaps=False)[0], (20, 1))
    assert len(rows) * 9 > kernel.LONG_WALKS
    np.testing.assert_array_equal(
        model.predict(rows), np.concatenate([model.predict(rows[i : i + 1]) for i in range(len(rows))])
    )


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(st.sampled_from([0.0, -0.0, 1.0, np.nan, 1e-300]), min_size=2, max_size=2), min_size=1))
def test_distinct_rows_are_told_apart_by_their_bits(cells):
    rows = np.array(cells)
    kept, numbers = kernel.distinct(rows)
    assert kept[numbers].tobytes() == rows.tobytes()
    assert len({row.tobytes() for row in kept}) == len(kept)


def test_the_heavier_child_follows_its_parent():
    #        0
    #      1   2(leaf, heavy)
    #    3  4
    order, steps = kernel.arrange(
        np.array([1, 3, -1, -1, -1], np.int32), np.array([2, 4, -1, -1, -1], np.int32), np.array([9.0, 2, 7, 1, 1])
    )
    assert order.tolist() == [0, 1, 2, 3, 4]
    assert steps.tolist() == [1, 2, 0, 0, 0]


@pytest.mark.parametrize(
    ("left", "right"),
    [([0], [0]), ([1, 0, -1], [2, 2, -1]), ([1, -1], [5, -1]), ([1, -1, -1], [-1, -1, -1]), ([1, -1], [1, -1])],
    ids=["itself", "a circle", "outside", "one child", "one child twice"],
)
def test_nodes_that_make_no_tree(left, right):
    with pytest.raises(ValueError, match="no tree"):
        kernel.arrange(np.array(left, np.int32), np.array(right, np.int32), np.ones(len(left)))
