"""The full sample in the cluster: three real sources, 60 trials by two pods, and the same model as without a cluster."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from hack.demo.diagnosis import report
from hack.demo.kubectl import Kubectl
from hack.sample.stage import EXAMPLE, Sample, s3_image
from tests.loop.test_bad_input import condition, eventually, get

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from hack.demo.machine import Prepared

pytestmark = [pytest.mark.loop, pytest.mark.timeout(1500)]

MINUTES = 900.0


@pytest.fixture(scope="module")
def sample(prepared: Prepared) -> Iterator[Sample]:
    """The sources of the sample, in a namespace of their own."""
    kubectl = Kubectl(prepared.kubectl, "loop-sample")
    made = Sample(kubectl, {**prepared.images, "s3": s3_image()})
    made.set_up()
    yield made
    kubectl("delete", "namespace", kubectl.namespace, "--wait=false")


@pytest.fixture(scope="module")
def trained(sample: Sample) -> dict[str, Any]:
    """The first run of the sample's training: what the status says of it."""
    kubectl = sample.kubectl
    kubectl("apply", f"--filename={EXAMPLE}")
    seen: list[dict[str, Any]] = []

    def ended() -> dict[str, Any] | None:
        status = get(kubectl, "modeltraining", "heart").get("status", {})
        progress = status.get("run", {}).get("progress")
        if progress:
            seen.append(progress)
        runs = status.get("runs", [])
        return dict(runs[0]) if runs else None

    try:
        run = eventually(ended, "the end of run 1", MINUTES)
    except AssertionError:
        sys.stdout.write(report(kubectl))
        raise
    return {"run": run, "progress": seen}


def test_the_run_makes_a_champion_whose_gates_hold(sample: Sample, trained: dict[str, Any]) -> None:
    assert trained["run"]["outcome"] == "Succeeded", trained["run"]
    version = eventually(lambda: get(sample.kubectl, "modelversion", "heart-1"), "heart-1")
    gates = {(gate["metric"], gate["rule"]): gate["passed"] for gate in version["spec"]["gates"]}
    assert gates == {
        ("roc_auc", "min"): True,
        ("roc_auc", "NotWorse"): True,
        ("recall", "maxDrop"): True,
        ("roc_auc", "maxTrainTestGap"): True,
    }
    assert condition(sample.kubectl, "modeltraining", "heart", "GatePassed", "True")
    status = get(sample.kubectl, "modeltraining", "heart")["status"]
    assert status["nextRun"].endswith("T20:00:00Z")  # Monday 3:00 in Bangkok


def test_its_progress_could_be_followed(trained: dict[str, Any]) -> None:
    told = [progress for progress in trained["progress"] if progress.get("trials")]
    assert told, trained["progress"]
    assert {progress["trials"] for progress in told} == {60}
    assert all(progress["best"].startswith("roc_auc 0.") for progress in told if progress.get("best"))


def test_without_a_cluster_the_same_model_is_made(sample: Sample, trained: dict[str, Any], tmp_path: Path) -> None:
    # given the same sources, reached from this machine
    sample.local_secrets(tmp_path / "secrets")
    text = EXAMPLE.read_text(encoding="utf-8").replace("http://registry/", f"http://{sample.address('registry')}/")
    (tmp_path / "training.yaml").write_text(text, encoding="utf-8")
    # when the same file is trained by the command
    command = [
        sys.executable, "-m", "evermodel", "train", "-f", str(tmp_path / "training.yaml"), "--json",
        "--store", str(tmp_path / "store"), "--secrets", str(tmp_path / "secrets"),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=MINUTES, check=False)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    # then its digests are those of the cluster's
    version = get(sample.kubectl, "modelversion", "heart-1")
    assert document["dataDigest"] == version["spec"]["training"]["dataDigest"]
    assert document["digest"] == version["spec"]["artifact"]["digest"]


def test_the_same_data_again_is_skipped(sample: Sample, trained: dict[str, Any]) -> None:
    kubectl = sample.kubectl
    kubectl("annotate", "modeltraining", "heart", "retrain.evermodel.dev/me=again", "--overwrite")

    def second() -> dict[str, Any] | None:
        runs = get(kubectl, "modeltraining", "heart").get("status", {}).get("runs", [])
        return next((dict(run) for run in runs if run["id"] == "2"), None)

    run = eventually(second, "the end of run 2")
    assert run["outcome"] == "Skipped", run
    assert condition(kubectl, "modeltraining", "heart", "Skipped", "True")
    assert not get(kubectl, "modelversion", "heart-2")


def test_the_version_can_be_made_again(sample: Sample, trained: dict[str, Any]) -> None:
    kubectl = sample.kubectl
    kubectl("annotate", "modelversion", "heart-1", "evermodel.dev/reproduce=now", "--overwrite")

    def reproduced() -> dict[str, Any] | None:
        found = get(kubectl, "modelversion", "heart-1").get("status", {}).get("reproduction", {})
        return dict(found) if found.get("outcome") not in {None, "Running"} else None

    found = eventually(reproduced, "the reproduction", MINUTES)
    assert found["outcome"] == "Identical", found
    assert condition(kubectl, "modelversion", "heart-1", "Reproduced", "True")
