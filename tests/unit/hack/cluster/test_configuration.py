"""What the components are told, in files and on command lines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hack.cluster import addons, components, configuration
from hack.cluster.host import Host
from hack.cluster.settings import Settings

PLAIN = Host(unified_cgroups=True, may_raise_limits=True, overlay_usable=True, boot_id="b")
CONTAINED = Host(unified_cgroups=False, may_raise_limits=False, overlay_usable=False, boot_id="b")


def test_every_identity_has_a_line_in_the_tokens_file_with_its_group(settings: Settings):
    tokens = {name: f"secret-{name}" for name in configuration.identities(settings)}
    lines = configuration.tokens_file(settings, tokens).splitlines()
    assert len(lines) == len(tokens)
    assert 'secret-admin,kubernetes-admin,kubernetes-admin,"system:masters"' in lines
    assert 'secret-kubelet,system:node:evermodel,system:node:evermodel,"system:nodes"' in lines
    assert "secret-coredns,system:coredns,system:coredns" in lines


def test_a_kubeconfig_leads_to_the_node_with_the_token(settings: Settings):
    document = json.loads(configuration.kubeconfig(settings, "Q0E=", "token"))
    assert document["clusters"][0]["cluster"]["server"] == "https://198.18.0.2:6443"
    assert document["users"][0]["user"] == {"token": "token"}
    assert document["current-context"] == document["contexts"][0]["name"]


def test_without_the_right_to_raise_limits_kubelet_and_containerd_do_not_try(settings: Settings):
    kubelet = json.loads(configuration.kubelet(settings, CONTAINED))
    assert kubelet["featureGates"] == {"KubeletInUserNamespace": True}
    assert "restrict_oom_score_adj = true" in configuration.containerd(settings, CONTAINED, "/cni")
    assert json.loads(configuration.kubelet(settings, PLAIN))["featureGates"] == {"KubeletInUserNamespace": False}
    assert "restrict_oom_score_adj = false" in configuration.containerd(settings, PLAIN, "/cni")


def test_layers_are_copied_where_overlays_cannot_be_stacked(settings: Settings):
    assert 'snapshotter = "native"' in configuration.containerd(settings, CONTAINED, "/cni")
    assert 'snapshotter = "overlayfs"' in configuration.containerd(settings, PLAIN, "/cni")


def test_pods_have_their_cgroups_below_the_cluster_s_own(settings: Settings):
    assert json.loads(configuration.kubelet(settings, PLAIN))["cgroupRoot"] == "/evermodel"


def test_the_audit_log_shows_people_and_operators_but_not_the_cluster_itself():
    policy = json.loads(configuration.audit_policy())
    *quiet, last = policy["rules"]
    assert last == {"level": "Metadata"}
    left_out = {user for rule in quiet for user in rule.get("users", [])}
    assert "kubernetes-admin" not in left_out
    assert "system:kube-scheduler" in left_out


def test_each_component_names_files_and_folders_of_this_cluster_only(settings: Settings):
    for component in components.everything(settings, Path("/programs")):
        assert any(str(settings.state) in argument for argument in component.argv[1:]), component.name


def test_whatever_is_started_is_stopped():
    state = Settings.from_environment({"HOME": "/home/me"})
    started = {component.name for component in components.everything(state, Path("/programs"))}
    assert started == set(components.STOP_ORDER)
    assert components.STOP_ORDER.index("kube-apiserver") < components.STOP_ORDER.index("etcd")


def test_add_ons_are_bound_to_the_users_that_their_tokens_are_of(settings: Settings):
    items = addons.manifests(settings, "Q0E=")["items"]
    bound = {subject["name"] for item in items if item["kind"] == "ClusterRoleBinding" for subject in item["subjects"]}
    assert bound == {"system:coredns", "system:directory-provisioner", "system:metrics-server"}
    assert bound <= {user for user, _ in configuration.identities(settings).values()}


def test_the_storage_class_is_the_default_and_names_the_provisioner_that_is_built():
    (storage_class,) = (item for item in addons.storage() if item["kind"] == "StorageClass")
    assert storage_class["metadata"]["annotations"] == {"storageclass.kubernetes.io/is-default-class": "true"}
    source = Path(__file__).parents[4] / "hack/kubernetes/provisioner/provisioner.go"
    assert f'const Name = "{storage_class["provisioner"]}"' in source.read_text()


@pytest.mark.parametrize("kind", ["Service", "EndpointSlice"])
def test_the_metrics_service_has_the_name_in_its_certificate(settings: Settings, kind: str):
    (found,) = (item for item in addons.metrics(settings, "Q0E=") if item["kind"] == kind)
    assert (found["metadata"]["name"], found["metadata"]["namespace"]) == ("metrics-server", "kube-system")
