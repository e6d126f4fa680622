"""`make cluster-down` leaves nothing behind: a second cluster is made beside the first, and removed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NAME = "teardown"
STATE = f"/evermodel/cluster/{NAME}/"
PAUSE = ["--image=docker.io/library/pause:local", "--image-pull-policy=Never"]

pytestmark = [pytest.mark.cluster_teardown, pytest.mark.timeout(600)]


def cluster(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "CLUSTER": "source", "CLUSTER_NAME": NAME, "CLUSTER_RANGE": "198.19.0.0/16"}
    command = [sys.executable, "-m", "hack.cluster", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=environment, check=False, text=True, capture_output=True, stdin=subprocess.DEVNULL
    )


def traces() -> dict[str, set[str]]:
    """What a cluster could leave on this machine, without what the other cluster changes meanwhile."""
    commands = {path: read(path).replace(b"\0", b" ").decode() for path in Path("/proc").glob("[0-9]*/cmdline")}
    return {
        "processes": {text for text in commands.values() if NAME in text and "hack.cluster" not in text},
        "mounts": {line for line in Path("/proc/mounts").read_text().splitlines() if NAME in line},
        "interfaces": {path.name for path in Path("/sys/class/net").iterdir() if not path.name.startswith("veth")},
        "namespaces": {path.name for path in Path("/run/netns").glob("*") if not path.name.startswith("cni-")},
        "cgroups": {str(path) for path in Path("/sys/fs/cgroup").glob(f"*/{NAME}*")}
        | {str(path) for path in Path("/sys/fs/cgroup").glob(f"{NAME}*")},
        "pods' addresses": {
            path.name for path in Path("/var/lib/cni/results").glob("*") if STATE.encode() in read(path)
        },
        "links to logs": {str(path) for path in Path("/var/log/containers").glob("*") if STATE in str(path.readlink())},
        "state": {str(path) for path in Path.home().glob(f".local/state/evermodel/cluster/{NAME}")},
    }


def read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # the process ended meanwhile
        return b""


def run_a_pod() -> None:
    for step in (
        ["wait", "--for=create", "serviceaccount/default", "--timeout=30s"],
        ["run", "pause", *PAUSE],
        ["wait", "--for=condition=Ready", "pod/pause", "--timeout=60s"],
    ):
        done = cluster("kubectl", *step)
        assert done.returncode == 0, done.stderr


def test_a_cluster_that_was_removed_has_left_nothing():
    if os.geteuid() != 0:
        pytest.skip("a cluster from source needs root")
    if shutil.which("containerd") is None:
        pytest.skip("no containerd: run `make cluster` once, which installs it")
    # given a machine as it is
    before = traces()
    try:
        # when a cluster is made
        made = cluster("up")
        assert made.returncode == 0, made.stderr
        nodes = cluster("kubectl", "get", "nodes", "-o", "jsonpath={.items[*].metadata.name}")
        assert nodes.stdout == NAME
        # and a pod runs in it, so that there are containers, mounts and addresses to remove
        run_a_pod()
        during = traces()
        for kind in ("processes", "mounts", "interfaces", "namespaces", "cgroups", "pods' addresses", "links to logs"):
            assert during[kind] > before[kind], kind
    finally:
        # and removed
        removed = cluster("down")
    # then the machine is as it was
    assert removed.returncode == 0, removed.stderr
    assert traces() == before
