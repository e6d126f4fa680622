"""A run with a search against FLAML and AutoGluon: three real tables, the same rows, minutes and cores, in turn.

python -m tests.bench.training.automl [--seconds 60] [--seeds 0 1 2] [--environments DIR] [--keep DIR]

FLAML and AutoGluon want other versions than we do, so each has an environment of its own, made when it is not there.
They are given seconds; we are given a fixed number of trials that takes no longer, since a model that depends on how
fast the machine was today cannot be made again. That is shown too: each run of ours is repeated.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from sklearn.metrics import log_loss, roc_auc_score, root_mean_squared_error

from tests.bench.training.automl_ours import training_of
from tests.bench.training.real_tables import TABLES, RealTable, held_out, today, unpack
from tests.bench.training.whole_process import run_whole, two_cores, versions

ENVIRONMENTS = {
    "flaml": ["flaml[automl]==2.7.0"],
    "autogluon": ["autogluon.tabular[lightgbm,xgboost,catboost]==1.6.3"],
}
PRESETS = ("medium_quality", "best_quality")
"""Of AutoGluon: its default, and what it recommends for the best scores."""


@dataclass(frozen=True)
class Score:
    """Of one contestant on one table with one split."""

    table: str
    seed: int
    who: str
    score: float
    seconds: float
    """Of the whole process."""
    cpu_seconds: float
    model: str
    digest: str = ""


@dataclass(frozen=True)
class Task:
    """One table with one split, written down for everybody."""

    table: RealTable
    seed: int
    folder: Path
    cores: list[int]

    @property
    def test(self) -> pd.DataFrame:
        return pd.read_csv(self.folder / "test.csv")

    def scored(self, who: str) -> float:
        """The metric of somebody's answers to the test rows."""
        truth = self.test[self.table.target]
        answers = pd.read_csv(self.folder / f"{who}.csv")
        if self.table.metric == "rmse":
            return float(root_mean_squared_error(truth, answers["answer"]))
        classes = sorted(truth.unique())
        probabilities = answers[classes].to_numpy()
        if self.table.metric == "roc_auc":
            return float(roc_auc_score(truth == classes[1], probabilities[:, 1]))
        return float(log_loss(truth, probabilities / probabilities.sum(axis=1, keepdims=True), labels=classes))


def prepare(table: RealTable, seed: int, packages: Path, folder: Path, cores: list[int]) -> Task:
    """Write the training rows and the test rows, and our ModelTraining."""
    folder.mkdir(parents=True)
    training, test = held_out(table.read(packages), table, seed)
    training.to_csv(folder / "training.csv", index=False)
    test.to_csv(folder / "test.csv", index=False)
    document = training_of(table, folder / "training.csv", seed)
    (folder / "training.yaml").write_text(yaml.safe_dump(document))
    return Task(table, seed, folder, cores)


def ours(task: Task) -> Score:
    """A run, and its artifact's answers."""
    store = task.folder / "store"
    shutil.rmtree(store, ignore_errors=True)
    command = [sys.executable, "-m", "evermodel", "train", "-f", str(task.folder / "training.yaml")]
    ran = run_whole([*command, "--store", str(store), "--json"], task.cores)
    document = json.loads(ran.out)
    answer = [sys.executable, "-m", "tests.bench.training.automl_ours", document["artifact"]]
    run_whole([*answer, str(task.folder / "test.csv"), str(task.folder / "evermodel.csv")], task.cores)
    score = task.scored("evermodel")
    found = (document["algorithm"], document["digest"])
    return Score(task.table.name, task.seed, "evermodel", score, ran.seconds, ran.cpu_seconds, *found)


def theirs(task: Task, who: str, python: Path, seconds: float, preset: str = "") -> Score:
    """One of the others, by its script, in its environment."""
    name = f"{who} {preset}".strip()
    script = Path(__file__).with_name(f"automl_{who}.py")
    files = [str(task.folder / "training.csv"), str(task.folder / "test.csv")]
    wanted = [task.table.target, task.table.metric, str(seconds), str(task.seed), str(task.folder / f"{name}.csv")]
    ran = run_whole([str(python), str(script), *files, *wanted, *([preset] if preset else [])], task.cores)
    model = json.loads(ran.out.splitlines()[-1])["model"]
    return Score(task.table.name, task.seed, name, task.scored(name), ran.seconds, ran.cpu_seconds, model)


def environment_of(uv: str, folder: Path, requirements: list[str]) -> Path:
    """Python of an environment with these requirements, made when it is not there."""
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(folder)], check=True)
        subprocess.run([uv, "pip", "install", "--quiet", "--python", str(python), *requirements], check=True)
    return python


def mean_ranks(scores: list[Score]) -> dict[str, float]:
    """Mean over tables and splits of each contestant's rank, 1 for the best; equal scores share their ranks."""
    better = {table.name: table.larger_is_better for table in TABLES}
    frame = pd.DataFrame([asdict(score) for score in scores])
    frame["loss"] = np.where(frame["table"].map(better), -frame["score"], frame["score"])
    frame["rank"] = frame.groupby(["table", "seed"])["loss"].rank()
    return dict(frame.groupby("who")["rank"].mean().sort_values())


def as_text(scores: list[Score]) -> str:
    """The tables, as they stand in docs/benchmarks.md."""
    names = list(dict.fromkeys(score.who for score in scores))
    lines = [f"| table, metric | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    for table in TABLES:
        cells = []
        for name in names:
            values = [score.score for score in scores if (score.table, score.who) == (table.name, name)]
            cells.append(f"{statistics.mean(values):.4f}" if values else "")
        if any(cells):
            lines.append(f"| {table.name}, {table.metric} | {' | '.join(cells)} |")
    ranks = mean_ranks(scores)
    lines.append(f"| **mean rank** | {' | '.join(f'{ranks[name]:.2f}' for name in names)} |")
    for what, unit in (("seconds", "s"), ("cpu_seconds", "s of CPU")):
        means = [statistics.mean(getattr(score, what) for score in scores if score.who == name) for name in names]
        lines.append(f"| mean whole process | {' | '.join(f'{mean:.0f} {unit}' for mean in means)} |")
    return "\n".join(lines)


def contest(task: Task, pythons: dict[str, Path], seconds: float, kept: Path) -> tuple[list[Score], bool]:
    """Scores of all on one task, one after the other, and whether our run made the same model when it was repeated."""

    def once(name: str, way: Callable[[], Score]) -> Score:
        """What is kept already is not measured again."""
        file = kept / f"{task.table.name}-{task.seed}-{name}.json"
        if not file.exists():
            file.write_text(json.dumps(asdict(way())))
        return Score(**json.loads(file.read_text()))

    first = once("evermodel", lambda: ours(task))
    scores = [first, once("flaml", lambda: theirs(task, "flaml", pythons["flaml"], seconds))]
    for preset in PRESETS:
        way = partial(theirs, task, "autogluon", pythons["autogluon"], seconds, preset)
        scores.append(once(f"autogluon-{preset}", way))
    return scores, once("evermodel-again", lambda: ours(task)).digest == first.digest


def main() -> None:
    """Measure, and print; the exit code is 1 when somebody has a better mean rank, or a run did not repeat."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--tables", nargs="+", default=[table.name for table in TABLES])
    parser.add_argument("--cores", nargs="+", type=int, default=two_cores())
    parser.add_argument("--environments", type=Path, default=Path.home() / ".cache" / "evermodel")
    parser.add_argument("--keep", type=Path, help="a directory for the scores; those that are there stay as they are")
    arguments = parser.parse_args()
    uv = str(Path(sys.executable).with_name("uv"))
    packages = arguments.environments / "bench-data"
    unpack(uv, packages)
    pythons = {
        who: environment_of(uv, arguments.environments / f"bench-{who}", wanted) for who, wanted in ENVIRONMENTS.items()
    }
    scores: list[Score] = []
    repeated: list[bool] = []
    with tempfile.TemporaryDirectory() as scratch:
        kept = arguments.keep or Path(scratch) / "scores"
        kept.mkdir(parents=True, exist_ok=True)
        for table in [table for table in TABLES if table.name in arguments.tables]:
            for seed in arguments.seeds:
                task = prepare(table, seed, packages, Path(scratch) / f"{table.name}-{seed}", arguments.cores)
                found, same = contest(task, pythons, arguments.seconds, kept)
                scores += found
                repeated.append(same)
    wanted = ", ".join(name for names in ENVIRONMENTS.values() for name in names)
    seeds = ", ".join(map(str, arguments.seeds))
    print(f"{today()}; {versions()}; {wanted}; seeds {seeds}; {arguments.seconds:g} s")  # noqa: T201  the answer
    print(as_text(scores))  # noqa: T201  the answer
    print(f"{sum(repeated)} of {len(repeated)} runs of ours made the same model again, to the bit")  # noqa: T201
    ranks = mean_ranks(scores)
    sys.exit(1 if ranks["evermodel"] > min(ranks.values()) or not all(repeated) else 0)


if __name__ == "__main__":
    main()
