"""What the local cluster decides before it touches the machine: who provides it, where things are, what is called."""

from __future__ import annotations

from pathlib import Path

import pytest

from hack.cluster import components, images, packages, provider, provider_kind
from hack.cluster.cgroups import hierarchies
from hack.cluster.errors import ClusterError
from hack.cluster.settings import Addresses, Settings

HOME = {"HOME": "/home/me"}


@pytest.fixture
def settings() -> Settings:
    return Settings.from_environment(HOME)


@pytest.mark.parametrize(
    ("requested", "docker", "kind", "chosen"),
    [
        ("existing", True, True, "existing"),
        ("source", True, True, "source"),
        ("kind", False, False, "kind"),
        (None, True, True, "kind"),
        ("", True, False, "source"),
        (None, False, True, "source"),
    ],
)
def test_what_is_named_wins_then_kind_then_source(requested: str | None, docker: bool, kind: bool, chosen: str):
    found = provider.choose(requested, docker_answers=lambda: docker, kind_obtainable=lambda: kind)
    assert found == chosen


def test_an_unknown_provider_is_refused_with_the_known_ones():
    with pytest.raises(ClusterError, match="existing, kind, source"):
        provider.choose("minikube", docker_answers=lambda: True, kind_obtainable=lambda: True)


def test_two_clusters_share_no_address():
    one, other = Addresses.within("198.18.0.0/16"), Addresses.within("198.19.0.0/16")
    assert not one.pods.overlaps(one.services)
    assert not one.pods.overlaps(other.pods)
    assert one.node.ip not in other.services


@pytest.mark.parametrize("text", ["198.18.0.0/24", "nonsense", "198.18.0.0"])
def test_a_range_of_another_size_is_refused(text: str):
    with pytest.raises(ClusterError, match=r"198\.18\.0\.0/16"):
        Addresses.within(text)


def test_a_state_folder_that_is_too_deep_for_sockets_is_refused():
    with pytest.raises(ClusterError, match="XDG_STATE_HOME"):
        Settings.from_environment({"HOME": "/" + "deep/" * 30})


def test_everything_a_cluster_keeps_is_in_its_state_folder(settings: Settings):
    assert settings.kubeconfig.is_relative_to(settings.state)
    assert settings.containerd_socket.is_relative_to(settings.state)
    assert settings.state == Path("/home/me/.local/state/evermodel/cluster/evermodel")
    assert not settings.cache.is_relative_to(settings.state)


def test_the_interface_has_a_name_that_linux_takes():
    longest = Settings.from_environment({**HOME, "CLUSTER_NAME": "abcdefghij"})
    assert len(longest.interface) <= 15


def test_etcd_and_the_api_server_speak_of_the_same_place(settings: Settings):
    programs = Path("/programs")
    etcd = components.etcd(settings, programs).argv
    server = components.api_server(settings, programs).argv
    assert f"--listen-client-urls={components.ETCD}" in etcd
    assert f"--etcd-servers={components.ETCD}" in server
    assert f"--service-cluster-ip-range={settings.addresses.services}" in server


def test_kind_is_called_for_this_cluster_only(settings: Settings):
    made = provider_kind.creation(settings, "kind")
    gone = provider_kind.deletion(settings, "kind")
    assert made[:5] == ["kind", "create", "cluster", "--name", "evermodel"]
    assert gone[:5] == ["kind", "delete", "cluster", "--name", "evermodel"]
    assert str(settings.kubeconfig) in made
    assert str(settings.kubeconfig) in gone


def test_only_missing_programs_are_asked_for():
    needs = packages.missing(packages.CLUSTER_NEEDS, find=lambda name: None if name == "runc" else "/usr/bin/it")
    assert [need.package for need in needs] == ["runc"]


def test_an_image_is_built_anew_when_what_goes_into_it_changes(tmp_path: Path):
    # given an image made of one folder
    image = images.Image("it", "it", "Dockerfile", ("code",))
    (tmp_path / "Dockerfile").write_text("FROM base")
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "a.py").write_text("1")
    first = images.tag(image, "base", tmp_path)
    # when something beside it changes, and bytecode and a kernel of this machine appear in it
    (tmp_path / "other").write_text("x")
    (tmp_path / "code" / "kernel-linux-x86_64.so").write_text("x")
    (tmp_path / "code" / "__pycache__").mkdir()
    (tmp_path / "code" / "__pycache__" / "a.pyc").write_text("x")
    # then it is the same image
    assert images.tag(image, "base", tmp_path) == first
    # and when its code or its base changes, another one
    assert images.tag(image, "other-base", tmp_path) != first
    (tmp_path / "code" / "a.py").write_text("2")
    assert images.tag(image, "base", tmp_path) != first


def test_both_versions_of_cgroups_are_known(tmp_path: Path):
    two = tmp_path / "two"
    two.mkdir()
    (two / "cgroup.controllers").write_text("cpu memory")
    one = tmp_path / "one"
    for controller in ("cpu,cpuacct", "memory"):
        (one / controller).mkdir(parents=True)
        (one / controller / "cgroup.procs").write_text("")
    (one / "cpu").symlink_to("cpu,cpuacct")
    assert hierarchies(two) == [two]
    assert [path.name for path in hierarchies(one)] == ["cpu,cpuacct", "memory"]
