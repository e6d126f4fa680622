"""Full disks and killed processes: a run says why it failed or goes on where it was, and never shows half a version."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evermodel.artifact.manifest import MANIFEST
from evermodel.artifact.records import latest_made, recorded_runs
from evermodel.artifact.store import list_names, read_artifact
from tests.unit.evermodel.bench import classes, order_of, save, spec_of, train_as_pod

PAGE = 4096


def small_spec(folder: Path) -> dict[str, Any]:
    return spec_of(save(classes(), folder / "rows.csv"), "DecisionTreeClassifier", register={"snapshot": True})


def visible(store: str) -> tuple[list[int], list[str]]:
    """What a reader sees: runs with a record, and artifacts with a manifest."""
    folders = list_names(f"{store}/artifacts")
    return recorded_runs(store, "m"), [name for name in folders if MANIFEST in list_names(f"{store}/artifacts/{name}")]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, int]:
    """Digest of the small spec's model, and the bytes that its store takes on a disk."""
    folder = tmp_path_factory.mktemp("undisturbed")
    _, outcome = train_as_pod(folder, small_spec(folder))
    sizes = [path.stat().st_size for path in (folder / "store").rglob("*") if path.is_file()]
    return outcome["artifact"]["digest"], sum(-(-size // PAGE) * PAGE for size in sizes)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """An empty file system of four megabytes, where a run has its store."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount the small file system that is filled up: run the tests as root")
    store = tmp_path / "store"
    store.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(store)]
    mounted = subprocess.run(command, check=False, capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    yield store
    subprocess.run(["umount", str(store)], check=True)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.9, 0.97])
def test_a_full_disk_is_told_and_the_run_succeeds_when_there_is_room(undisturbed, disk, tmp_path, share):
    # given a disk with room for a part of what the run writes
    digest, needed = undisturbed
    ballast = disk / "ballast"
    free = os.statvfs(disk).f_bavail * PAGE
    ballast.write_bytes(b"x" * (free - int(share * needed) // PAGE * PAGE))
    # when a pod trains
    ran, outcome = train_as_pod(tmp_path, small_spec(tmp_path))
    # then it fails with the cause named, to be tried again
    assert (ran.code, outcome["outcome"], outcome["reason"]) == (1, "Failed", "StoreUnavailable"), ran.err
    assert "No space left on device" in outcome["message"]
    assert str(disk) in outcome["message"]
    # and nobody sees a record, a half artifact, or what was being written
    store = str(disk)
    records, artifacts = visible(store)
    assert (records, latest_made(store, "m")) == ([], None)
    for name in artifacts:
        read_artifact(f"{store}/artifacts/{name}", f"sha256:{name}")
    assert list(disk.rglob(".*")) == []
    # when there is room, and the pod is started again
    ballast.unlink()
    ran, outcome = train_as_pod(tmp_path, small_spec(tmp_path))
    # then it is the model that it would have been
    assert (ran.code, outcome["artifact"]["digest"]) == (0, digest), ran.err
    assert visible(store) == ([1], [digest.removeprefix("sha256:")])
    read_artifact(outcome["artifact"]["uri"], digest)
