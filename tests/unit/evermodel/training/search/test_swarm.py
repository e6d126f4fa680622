"""The result of a search does not depend on how many processes compute it, on who is killed when, or on hash seeds."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from evermodel.training.search.scores import choose
from tests.unit.evermodel.training.search.bench import one_after_the_other, plan_of, record

ROOT = Path(__file__).parents[5]
TRIALS = 40
CASES = [
    *[("TPE", workers, None) for workers in (1, 2, 4)],
    *[("TPE", 4, kills) for kills in range(3)],
    ("TPE", 1, 5),
    ("Random", 3, 6),
    ("Grid", 3, 7),
]


def swarm(cases, folder, hash_seed):
    asked = []
    for place, (sampler, workers, kills) in enumerate(cases):
        root = folder / f"{hash_seed}-{place}"
        root.mkdir()
        asked.append({"root": str(root), "workers": workers, "trials": TRIALS, "sampler": sampler, "kills": kills})
    ran = subprocess.run(
        [sys.executable, "-m", "tests.unit.evermodel.training.search.swarm"],
        input="\n".join(map(json.dumps, asked)),
        capture_output=True,
        text=True,
        timeout=300,
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return [json.loads(line) for line in ran.stdout.splitlines()]


@pytest.fixture(scope="module")
def alone():
    """What nobody but a loop finds."""
    return {
        sampler: one_after_the_other(plan_of(TRIALS, sampler=sampler), TRIALS) for sampler in ("TPE", "Random", "Grid")
    }


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    return dict(zip(CASES, swarm(CASES, tmp_path_factory.mktemp("swarm"), "1"), strict=True))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_record_is_the_same(alone, answers, case):
    sampler, workers, kills = case
    answer = answers[case]
    # given that workers were killed indeed, and that all that were left ended well
    assert (answer["killed"] > 0) == (kills is not None)
    assert set(answer["codes"]) == {0}
    # then they found what one finds alone
    assert answer["record"] == record(alone[sampler].values())
    assert answer["chosen"] == choose(plan_of(TRIALS), alone[sampler].values()).number
    assert answer["stopped"] == "Done"
    # and more than one took part where there were more
    assert (len(answer["workers"]) > 1) == (workers > 1)


def test_hash_seeds_do_not_matter(alone, tmp_path):
    (answer,) = swarm([("TPE", 2, None)], tmp_path, "2")
    assert answer["record"] == record(alone["TPE"].values())


def test_the_search_of_these_tests_meets_everything(alone):
    states = {trial.state for trial in alone["TPE"].values()}
    assert states == {"Complete", "Pruned", "Failed"}
