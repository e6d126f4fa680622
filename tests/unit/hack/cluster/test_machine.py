"""What is read from this machine, and what is put back."""

from __future__ import annotations

import json
import os
import socket
import tempfile
from pathlib import Path

import pytest

from hack.cluster import base_image, cgroups, kernel, network, teardown
from hack.cluster.errors import ClusterError
from hack.cluster.host import filesystem, has_capability
from hack.cluster.settings import Settings

MOUNTS = """/dev/vda / ext4 rw 0 0
overlay /home overlay rw 0 0
tmpfs /home/me/with\\040space tmpfs rw 0 0
tmpfs /s/a tmpfs rw 0 0
tmpfs /s/a/b tmpfs rw 0 0
tmpfs /st tmpfs rw 0 0
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/var", "ext4"), ("/home", "overlay"), ("/home/you", "overlay"), ("/home/me/with space/x", "tmpfs")],
)
def test_the_innermost_mount_decides_the_file_system(path: str, kind: str):
    assert filesystem(Path(path), MOUNTS) == kind


def test_a_capability_is_read_from_the_bounding_set():
    assert has_capability("CapEff:\t0\nCapBnd:\t0000000001000000\n", 24)
    assert not has_capability("CapEff:\t0000000001000000\nCapBnd:\t000001fffeffffff\n", 24)


def test_only_mounts_below_the_folder_are_unmounted_and_the_deepest_first():
    assert teardown.mounts_below(Path("/s"), MOUNTS) == ["/s/a/b", "/s/a"]


def test_the_sockets_of_containers_are_found_in_their_bundles(tmp_path: Path):
    tasks = tmp_path / "io.containerd.runtime.v2.task" / "k8s.io"
    for name, file, text in (
        ("one", "address", "unix:///run/containerd/s/1"),
        ("two", "bootstrap.json", '{"version": 2, "address": "unix:///run/containerd/s/2"}'),
        ("three", "bootstrap.json", "broken"),
    ):
        (tasks / name).mkdir(parents=True)
        (tasks / name / file).write_text(text)
    assert {str(path) for path in teardown.shim_sockets(tmp_path)} == {"/run/containerd/s/1", "/run/containerd/s/2"}


def test_a_socket_is_abandoned_when_nobody_listens():
    with tempfile.TemporaryDirectory(dir="/tmp") as short:
        path = Path(short) / "socket"
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(path))
            server.listen()
            assert not teardown.is_abandoned(path)
        assert teardown.is_abandoned(path)
        (Path(short) / "file").write_text("")
        assert not teardown.is_abandoned(Path(short) / "file")


def test_kernel_settings_are_put_back_as_they_were_first(tmp_path: Path):
    # given a machine with its own settings
    setting = tmp_path / "sys" / "vm" / "overcommit_memory"
    setting.parent.mkdir(parents=True)
    setting.write_text("0\n")
    file = tmp_path / "remembered.json"
    kernel.remember(file, tmp_path / "sys")
    # when they are changed, and the cluster is started once more
    setting.write_text("1\n")
    kernel.remember(file, tmp_path / "sys")
    kernel.restore(file, tmp_path / "sys")
    # then they are as before the first start
    assert setting.read_text() == "0"
    assert json.loads(file.read_text()) == {"vm/overcommit_memory": "0"}


def test_a_new_cpuset_of_version_1_has_the_cpus_of_its_parent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    # given a tree of version 1, whose kernel makes these files in each new group
    tree = tmp_path / "cpuset"
    tree.mkdir()
    values = {"cgroup.procs": "", "cpuset.cpus": "0-3", "cpuset.mems": "0", "cpuset.sched_load_balance": "1"}
    for name, text in values.items():
        (tree / name).write_text(text)
    mkdir = Path.mkdir

    def make(self: Path, *arguments: object, **options: object) -> None:
        mkdir(self, *arguments, **options)  # type: ignore[arg-type]
        for name in values:
            (self / name).write_text("")

    monkeypatch.setattr(Path, "mkdir", make)
    # when the cluster's groups are made
    cgroups.create("it", tmp_path)
    # then processes can enter them
    assert (tree / "it" / "components" / "cpuset.cpus").read_text() == "0-3"
    cgroups.enter("it", os.getpid(), tmp_path)
    assert cgroups.members("it", tmp_path) == {os.getpid()}


def test_the_network_has_no_way_out_of_the_machine(settings: Settings):
    commands = network.creation(settings)
    assert commands[0] == ["ip", "netns", "add", "evermodel"]
    assert not any("default" in command for command in commands)
    inside = [command for command in commands if command[0] == "nsenter"]
    assert not any("route" in command for command in inside)


def test_packages_come_from_where_this_machine_gets_its_own():
    targets = "mirror:/updates it-updates\nmirror:/main it\nmirror:/other it"
    assert base_image.mirror(targets, "it") == "mirror:/main"
    with pytest.raises(ClusterError, match="no source for that"):
        base_image.mirror(targets, "that")


def test_the_base_image_has_another_name_when_the_certificates_change():
    assert base_image.name("it", b"1") != base_image.name("it", b"2")


def test_a_release_without_a_name_is_refused():
    assert base_image.codename('ID=debian\nVERSION_CODENAME="bookworm"\n') == "bookworm"
    with pytest.raises(ClusterError, match="VERSION_CODENAME"):
        base_image.codename("ID=arch\n")
