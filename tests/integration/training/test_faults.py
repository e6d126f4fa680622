"""Full disks and killed processes: a run says why it failed or goes on where it was, and never shows half a version."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import fsspec
import pytest

from evermodel.artifact.manifest import MANIFEST
from evermodel.artifact.records import latest_made, recorded_runs
from evermodel.artifact.store import list_names, read_artifact
from hack.s3.access import User
from hack.s3.server import S3Server, start_s3
from tests.unit.evermodel.bench import classes, order_of, save, spec_of, train_as_pod

ROOT = Path(__file__).parents[3]
PAGE = 4096
PATIENCE = 60.0
TRIALS = 16
DIES = """
import os, signal, sys
from evermodel.artifact.s3 import S3FileSystem
from evermodel.cli import main

real, seen = S3FileSystem.pipe_file, []

def pipe_file(filesystem, path, value, **named):
    seen.append(path)
    if len(seen) > int(sys.argv[1]):
        os.write(2, f"dies before {path}\\n".encode())  # whole, while another thread may print
        os.kill(os.getpid(), signal.SIGKILL)
    real(filesystem, path, value, **named)

S3FileSystem.pipe_file = pipe_file
sys.exit(main(sys.argv[2:]))
"""


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
    assert outcome["message"].endswith("No space left on device; make room in it")
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


def search_spec(folder: Path) -> dict[str, Any]:
    """A search by two pods, whose trials take long enough to be interrupted."""
    search = {"learning_rate": {"float": {"min": 0.01, "max": 0.5, "log": True}}, "max_depth": {"choices": [1, 2, 3]}}
    algorithm = {"name": "only", "estimator": "GradientBoostingClassifier", "params": {"n_estimators": 150}}
    return spec_of(
        save(classes(), folder / "rows.csv"),
        "GradientBoostingClassifier",
        algorithms=[{**algorithm, "search": search}],
        tuning={"objective": "accuracy", "maxTrials": TRIALS, "workers": 2},
        validation={"cv": {"folds": 3}},
    )


class Pods:
    """The pods of one run, as processes: `evermodel train --order` with the number that an Indexed Job gives."""

    def __init__(self, folder: Path) -> None:
        self.order = order_of(folder, search_spec(folder))
        self.folder = folder
        self.running: dict[int, subprocess.Popen[bytes]] = {}

    def start(self, index: int) -> None:
        """Start a pod, or start it again."""
        command = [sys.executable, "-m", "evermodel", "train", "--order", str(self.order)]
        command += ["--termination-log", str(self.log(index)), "--secrets", str(self.folder / "secrets")]
        environment = {**os.environ, "JOB_COMPLETION_INDEX": str(index), "OMP_NUM_THREADS": "1"}
        with (self.folder / f"{index}.out").open("ab") as output:
            self.running[index] = subprocess.Popen(command, env=environment, stdout=output, stderr=output, cwd=ROOT)

    def kill(self, index: int) -> None:
        """SIGKILL: no goodbye, and no outcome."""
        self.running[index].kill()
        assert self.running[index].wait(10) == -signal.SIGKILL
        assert not self.log(index).exists()

    def log(self, index: int) -> Path:
        """Where a pod's outcome is."""
        return self.folder / f"termination-{index}.json"

    def said(self) -> str:
        """What all of them wrote."""
        return "".join(path.read_text() for path in sorted(self.folder.glob("*.out")))

    def trials(self, worker: str = "") -> int:
        """How many trials have ended; of one worker, if one is named."""
        found = [
            json.loads(path.read_text()) for path in self.folder.glob("store/runs/m/1/search/*/trials/[0-9]*.json")
        ]
        return len([trial for trial in found if worker in {"", trial["worker"]}])

    def end(self) -> None:
        """End those that still run."""
        for process in self.running.values():
            if process.poll() is None:
                process.kill()
                process.wait()


def wait_for(look: Callable[[], bool], what: Callable[[], str]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not look():
        assert time.monotonic() < deadline, f"not within {PATIENCE:.0f} s: {what()}"
        time.sleep(0.02)


def test_the_leader_and_a_worker_are_killed_in_the_search_and_the_model_is_the_same(tmp_path):
    # given a run of two pods
    pods = Pods(tmp_path)
    with ExitStack() as stack:
        stack.callback(pods.end)
        pods.start(0)
        pods.start(1)
        # when its leader is killed while it searches
        wait_for(lambda: pods.trials("0") >= 1, pods.said)
        pods.kill(0)
        # and then the worker, which had gone on alone
        wait_for(lambda: pods.trials("1") >= 1, pods.said)
        pods.kill(1)
        assert 2 <= pods.trials() < TRIALS
        assert visible(str(tmp_path / "store")) == ([], [])
        # and both come again
        pods.start(0)
        pods.start(1)
        # then the run goes on where it was, and ends well
        assert pods.running[0].wait(PATIENCE) == 0, pods.said()
    assert "the rows that this run has read before are taken again" in pods.said()
    outcome = json.loads(pods.log(0).read_text())
    ledger = json.loads((tmp_path / "store" / "runs" / "m" / "1" / "ledger.json").read_text())
    assert [trial["number"] for trial in ledger["trials"]] == list(range(TRIALS))
    assert {trial["worker"] for trial in ledger["trials"]} == {"0", "1"}
    # and its model and its choice are those of a run that nobody disturbed
    (tmp_path / "alone").mkdir()
    _, alone = train_as_pod(tmp_path / "alone", search_spec(tmp_path))
    assert outcome["artifact"]["digest"] == alone["artifact"]["digest"]
    assert visible(str(tmp_path / "store")) == ([1], [outcome["artifact"]["digest"].removeprefix("sha256:")])


@pytest.fixture(scope="module")
def s3_server() -> Iterator[S3Server]:
    if shutil.which("go") is None:
        pytest.skip("Go was not found, and the S3 server is built from its Go module: install Go")
    server = start_s3()
    yield server
    server.stop()


def lead_to(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the store's variables lead to a server."""
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    fsspec.get_filesystem_class("s3").clear_instance_cache()


@pytest.fixture
def bucket(s3_server, monkeypatch, request) -> Iterator[str]:
    """URL of an empty bucket."""
    lead_to(s3_server, monkeypatch)
    yield s3_server.make_bucket(f"faults-{abs(hash(request.node.nodeid)):x}")
    fsspec.get_filesystem_class("s3").clear_instance_cache()


@pytest.mark.parametrize(
    ("written", "next_one"),
    # the order, the rows, what was read, the report's page and document; the artifact; card, ledger, record
    [
        (2, "runs/m/1/read.json"),
        (8, "artifacts/*/signature.json"),
        (13, "artifacts/*/manifest.json"),
        (16, "runs/m/1.json"),
    ],
)
def test_killed_between_two_objects_of_a_bucket_the_run_is_resumed(bucket, undisturbed, tmp_path, written, next_one):
    # given a pod that is killed when so many objects are in the bucket
    order = order_of(tmp_path, small_spec(tmp_path), store=bucket)
    command = ["train", "--order", str(order), "--termination-log", str(tmp_path / "never.json")]
    killed = subprocess.run(
        [sys.executable, "-c", DIES, str(written), *command], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    digest = undisturbed[0].removeprefix("sha256:")
    (last,) = [line for line in killed.stderr.splitlines() if line.startswith("dies before ")]
    path = last.removeprefix(f"dies before {bucket.removeprefix('s3://')}/")
    assert path.replace(digest, "*") == next_one
    # then there is no record, and no artifact but a whole one
    records, artifacts = visible(bucket)
    assert records == []
    assert artifacts == ([digest] if written >= 14 else [])
    # when the same order comes again
    ran, outcome = train_as_pod(tmp_path, small_spec(tmp_path), store=bucket)
    # then it ends as if nobody had been killed
    assert (ran.code, outcome["artifact"]["digest"]) == (0, f"sha256:{digest}"), ran.err
    assert visible(bucket) == ([1], [digest])
    read_artifact(outcome["artifact"]["uri"], outcome["artifact"]["digest"])


def test_an_s3_server_on_a_full_disk_is_told_and_the_run_succeeds_when_there_is_room(
    undisturbed, disk, tmp_path, monkeypatch
):
    # given a server whose disk has room for a part of what the run writes
    digest, needed = undisturbed
    monkeypatch.setattr(tempfile, "tempdir", str(disk))
    server = start_s3()
    monkeypatch.undo()
    lead_to(server, monkeypatch)
    with ExitStack() as stack:
        stack.callback(fsspec.get_filesystem_class("s3").clear_instance_cache)
        stack.callback(server.stop)
        store = server.make_bucket("models")
        ballast = disk / "ballast"
        ballast.write_bytes(b"x" * (os.statvfs(disk).f_bavail * PAGE - needed // 2 // PAGE * PAGE))
        # when a pod trains
        ran, outcome = train_as_pod(tmp_path, small_spec(tmp_path), store=store)
        # then it fails, to be tried again, and nobody sees a version
        assert (ran.code, outcome["outcome"], outcome["reason"]) == (1, "Failed", "StoreUnavailable"), ran.err
        assert "No space left on device" in outcome["message"]
        assert outcome["message"].endswith("; make room in it")
        assert visible(store) == ([], [])
        # when there is room, and the pod is started again
        ballast.unlink()
        ran, outcome = train_as_pod(tmp_path, small_spec(tmp_path), store=store)
        # then it is the model that it would have been
        assert (ran.code, outcome["artifact"]["digest"]) == (0, digest), ran.err
        read_artifact(outcome["artifact"]["uri"], digest)


def test_a_secret_that_is_not_there_is_told(s3_server, bucket, tmp_path, monkeypatch):
    # given a pod whose Secret with the store's credentials was not made
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    # when it trains
    ran, outcome = train_as_pod(tmp_path, small_spec(tmp_path), store=bucket)
    # then it says which file, and what to do
    assert (ran.code, outcome["reason"]) == (1, "StoreUnavailable")
    assert f"its credentials {tmp_path}/credentials are not there: make the Secret" in outcome["message"]
    # and as soon as the Secret is there it trains
    user = User(s3_server.key, s3_server.secret)
    (tmp_path / "credentials").write_text(user.credentials_file())
    ran, outcome = train_as_pod(tmp_path, small_spec(tmp_path), store=bucket)
    assert (ran.code, outcome["outcome"]) == (0, "Succeeded"), ran.err
