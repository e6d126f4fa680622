"""The command line, other programs, and what a person is told."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest

from hack.cluster import provider_existing, provider_kind
from hack.cluster.__main__ import parse
from hack.cluster.commands import pipe_into, run, succeeds
from hack.cluster.console import Console, clock
from hack.cluster.containers import Archive, Containers
from hack.cluster.errors import ClusterError
from hack.cluster.images import IMAGES, REPOSITORY, select
from hack.cluster.locking import locked
from hack.cluster.privilege import sudo_command
from hack.cluster.settings import Settings


def test_everything_after_a_tool_s_name_is_for_the_tool():
    assert parse(["kubectl", "-n", "it", "get", "--help"]) == {
        "command": "kubectl",
        "arguments": ["-n", "it", "get", "--help"],
    }
    assert parse(["images", "operator"]) == {"command": "images", "build": False, "names": ["operator"]}


def test_an_unknown_image_is_refused_with_the_known_ones():
    assert select([]) == IMAGES
    with pytest.raises(ClusterError, match="evermodel, operator, postgres"):
        select(["mysql"])


def test_what_goes_into_the_images_is_there():
    for image in IMAGES:
        for name in (image.dockerfile, *image.inputs):
            assert (REPOSITORY / name).exists(), name


def test_a_failure_is_told_with_the_program_s_last_words():
    with pytest.raises(ClusterError, match="status 3: no such thing"):
        run([sys.executable, "-c", "import sys; print('no such thing', file=sys.stderr); sys.exit(3)"])
    with pytest.raises(ClusterError, match="is not installed"):
        run(["no-such-program-here"])
    assert not succeeds(["no-such-program-here"])


def test_a_program_that_stops_reading_is_told_by_its_own_words():
    program = [sys.executable, "-c", "import sys; sys.exit('full')"]
    with pytest.raises(ClusterError, match="status 1: full"):
        pipe_into(program, lambda pipe: pipe.write(b"x" * 1_000_000))


def test_a_second_command_waits_for_the_first(tmp_path: Path):
    file = tmp_path / "lock"
    program = "from pathlib import Path; import sys; from hack.cluster.locking import locked\n"
    program += "with locked(Path(sys.argv[1])): print('in')"
    command = [sys.executable, "-c", program, str(file)]
    with locked(file):
        second = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY)
        with pytest.raises(subprocess.TimeoutExpired):
            second.wait(0.5)
        # whoever holds the lock may remove the file
        file.unlink()
    assert second.communicate(timeout=10)[0] == "in\n"


def test_root_works_on_the_caller_s_folders():
    environment = {"HOME": "/home/me", "CLUSTER_NAME": "it", "https_proxy": "http://proxy", "SECRET": "x"}
    command = sudo_command("/usr/bin/sudo", ["up"], environment)
    assert "XDG_STATE_HOME=/home/me/.local/state" in command
    assert "CLUSTER_NAME=it" in command
    assert "https_proxy=http://proxy" in command
    assert not any("SECRET" in word for word in command)
    assert command[-1] == "up"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_progress_is_a_line_every_twenty_seconds_where_there_is_no_terminal():
    now, stream = Clock(), io.StringIO()
    console = Console(stream, now)
    for second in range(50):
        now.now = float(second)
        console.progress(f"at {second}")
    assert [line.rpartition("] ")[2] for line in stream.getvalue().splitlines()] == ["at 0", "at 20", "at 40"]


@pytest.mark.parametrize(("seconds", "text"), [(4.24, "4.2 s"), (60, "1 min 00 s"), (188.4, "3 min 08 s")])
def test_durations_are_short(seconds: float, text: str):
    assert clock(seconds) == text


def test_images_reach_kind_through_the_containerd_of_its_node(settings: Settings):
    assert provider_kind.containerd(settings) == [
        *("docker", "exec", "--interactive"),
        *("evermodel-control-plane", "ctr"),
    ]


def test_an_existing_cluster_needs_a_registry_to_pull_from():
    found = provider_existing.destination("registry.example.com/team/", "docker.io/library/evermodel", "1")
    assert found == "registry.example.com/team/evermodel:1"
    with pytest.raises(ClusterError, match="EVERMODEL_REGISTRY"):
        provider_existing.destination(None, "docker.io/library/evermodel", "1")


def test_an_existing_cluster_is_the_one_that_kubectl_would_use(tmp_path: Path):
    file = tmp_path / "config"
    with pytest.raises(ClusterError, match="is not there"):
        provider_existing.kubeconfig_path({"KUBECONFIG": str(file)})
    file.write_text("")
    assert provider_existing.kubeconfig_path({"KUBECONFIG": str(file)}) == file
    with pytest.raises(ClusterError, match="names several files"):
        provider_existing.kubeconfig_path({"KUBECONFIG": f"{file}:{file}"})


@pytest.mark.parametrize("name", ["evermodel", "docker.io/library/evermodel", "evermodel:1"])
def test_a_loaded_image_needs_its_full_name(tmp_path: Path, name: str):
    (tmp_path / "it.tar").write_bytes(b"")
    with pytest.raises(ClusterError, match=r"docker\.io/library/it:1"):
        Archive.named(tmp_path / "it.tar", name)
    assert Archive.named(tmp_path / "it.tar", "docker.io/library/it:1").tag == "1"


def test_an_image_is_there_when_it_has_its_name_by_digest_too(tmp_path: Path):
    # given what containerd lists
    listing = tmp_path / "listing"
    listing.write_text(
        "REF TYPE DIGEST SIZE\nr.io/a:1 t sha256:1 5\nr.io/a@sha256:1 t sha256:1 5\nr.io/b:1 t sha256:2 5\n"
    )
    containers = Containers(["sh", "-c", f"cat {listing}"])
    # then only an image that a pod can ask for by digest is there
    assert containers.reference("r.io/a", "1") == "r.io/a@sha256:1"
    assert containers.reference("r.io/b", "1") is None
    assert containers.reference("r.io/c", "1") is None
