"""Trainings for tests: data, a ModelTraining or an order in a file, and the command itself in this process."""

import contextlib
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from evermodel.artifact.store import read_artifact
from evermodel.cli import main

NOON = "2026-11-24T12:00:00Z"


@dataclass(frozen=True)
class Ran:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.out)
        return document

    @property
    def sentence(self) -> str:
        """The one sentence on standard error."""
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        assert lines[0].startswith("evermodel train: ")
        return lines[0].removeprefix("evermodel train: ")


def numbers(rows: int = 40, seed: int = 0) -> pd.DataFrame:
    """Numbers a and b, a category c, and a target y that follows from them."""
    generator = np.random.default_rng(seed)
    frame = pd.DataFrame({"a": generator.normal(size=rows), "b": generator.normal(size=rows)})
    frame["c"] = np.where(generator.random(rows) < 0.5, "left", "right")
    return frame.assign(y=2 * frame["a"] + frame["b"] + (frame["c"] == "left"))


def classes(rows: int = 60, seed: int = 0) -> pd.DataFrame:
    """The same with a target of two classes."""
    frame = numbers(rows, seed)
    return frame.assign(y=np.where(frame["y"] > frame["y"].median(), "ill", "well"))


def spec_of(path: Path | str, estimator: str = "LinearRegression", **parts: Any) -> dict[str, Any]:
    """A spec with one algorithm on one file; `parts` replace or add, `params` goes to the algorithm."""
    regression = estimator.endswith("Regressor") or estimator == "LinearRegression"
    algorithm = {"name": "only", "estimator": estimator, "params": parts.pop("params", {})}
    spec = {
        "task": "Regression" if regression else "Classification",
        "target": "y",
        "data": {"sources": [{"name": "rows", "file": {"uri": str(path)}}], **parts.pop("data", {})},
        "algorithms": [algorithm],
    }
    return {**spec, **parts}


def save(frame: pd.DataFrame, path: Path) -> Path:
    """Write rows as CSV or, by the suffix, as Parquet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.to_parquet(path) if path.suffix == ".parquet" else frame.to_csv(path, index=False)
    return path


def manifest_of(spec: dict[str, Any], name: str = "m") -> str:
    """The YAML that Kubernetes takes."""
    head = {"apiVersion": "evermodel.dev/v1alpha1", "kind": "ModelTraining", "metadata": {"name": name}}
    return yaml.safe_dump({**head, "spec": spec})


def run(*arguments: str) -> Ran:
    """The command in this process; an exception that is no RunError comes through."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(arguments)
    return Ran(code, out.getvalue(), err.getvalue())


def train(folder: Path, spec: dict[str, Any], *arguments: str, name: str = "m") -> Ran:
    """`evermodel train -f` with a store in the folder."""
    path = folder / f"{name}.yaml"
    path.write_text(manifest_of(spec, name))
    return run("train", "-f", str(path), "--store", str(folder / "store"), "--json", *arguments)


def order_of(folder: Path, spec: dict[str, Any], number: int = 1, **parts: Any) -> Path:
    """A pod's order in a file."""
    order = {
        "namespace": "clinic",
        "training": "m",
        "run": number,
        "spec": spec,
        "specDigest": f"sha256:{'0' * 64}",
        "store": (folder / "store").as_uri(),
        "asOf": NOON,
        "cause": {"by": "spec", "reason": "Created"},
        **parts,
    }
    path = folder / "order.json"
    path.write_text(json.dumps(order))
    return path


def train_as_pod(folder: Path, spec: dict[str, Any], number: int = 1, **parts: Any) -> tuple[Ran, dict[str, Any]]:
    """`evermodel train --order`: what it left, and its termination message."""
    log = folder / "termination.json"
    secrets = str(folder / "secrets")
    order = str(order_of(folder, spec, number, **parts))
    ran = run("train", "--order", order, "--termination-log", str(log), "--secrets", secrets)
    outcome: dict[str, Any] = json.loads(log.read_text())
    return ran, outcome


def stored(folder: Path) -> list[str]:
    """Every file in the store."""
    store = folder / "store"
    return sorted(str(path.relative_to(store)) for path in store.rglob("*") if path.is_file())


def check_store(folder: Path) -> None:
    """Every artifact is whole, and no file is beside what the layout names."""
    files = stored(folder)
    digests = {name.split("/")[1] for name in files if name.startswith("artifacts/")}
    expected = []
    for digest in digests:
        directory = folder / "store" / "artifacts" / digest
        manifest = read_artifact(directory.as_uri(), f"sha256:{digest}").manifest
        expected += [f"artifacts/{digest}/{name}" for name in ("manifest.json", *manifest.files)]
    rest = [name for name in files if not name.startswith(("runs/", "snapshots/"))]
    assert rest == sorted(expected)
    beside = set(files) - set(rest)
    assert all(name.endswith((".json", ".html", ".parquet")) for name in beside), beside
    assert not [name for name in beside if name.rsplit("/", 1)[-1].startswith(".")], beside
