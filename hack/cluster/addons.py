"""What the cluster needs inside the API: access for its add-ons, the metrics API and the default storage class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hack.cluster.configuration import IDENTITIES

if TYPE_CHECKING:
    from hack.cluster.settings import Settings

PROVISIONER = "evermodel.dev/directory"
METRICS_API = "v1beta1.metrics.k8s.io"
_RBAC = "rbac.authorization.k8s.io"
_READ = ["get", "list", "watch"]

Manifest = dict[str, Any]


def _rule(group: str, resources: list[str], verbs: list[str]) -> Manifest:
    return {"apiGroups": [group], "resources": resources, "verbs": verbs}


def _granted(component: str, rules: list[Manifest]) -> list[Manifest]:
    """A ClusterRole of its own for a component, and its binding."""
    user, _ = IDENTITIES[component]
    return [
        {"apiVersion": f"{_RBAC}/v1", "kind": "ClusterRole", "metadata": {"name": user}, "rules": rules},
        _binding(user, user, user),
    ]


def _binding(name: str, role: str, user: str) -> Manifest:
    return {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": _RBAC, "kind": "User", "name": user}],
    }


def name_server() -> list[Manifest]:
    """What CoreDNS reads."""
    core = _rule("", ["endpoints", "services", "pods", "namespaces"], ["list", "watch"])
    return _granted("coredns", [core, _rule("discovery.k8s.io", ["endpointslices"], ["list", "watch"])])


def storage() -> list[Manifest]:
    """The default StorageClass, and what its provisioner may do."""
    rules = [
        _rule("", ["persistentvolumes"], [*_READ, "create", "update", "patch", "delete"]),
        _rule("", ["persistentvolumeclaims"], [*_READ, "update"]),
        _rule("", ["events"], ["create", "update", "patch"]),
        _rule("", ["nodes"], _READ),
        _rule("storage.k8s.io", ["storageclasses"], _READ),
    ]
    storage_class = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": "directory", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
        "provisioner": PROVISIONER,
        "reclaimPolicy": "Delete",
        "volumeBindingMode": "Immediate",
    }
    return [*_granted("directory-provisioner", rules), storage_class]


def metrics(settings: Settings, authority: str) -> list[Manifest]:
    """The metrics API, served by a program on the node; `authority` signs its certificate (base64)."""
    user, _ = IDENTITIES["metrics-server"]
    named = {"name": "metrics-server", "namespace": "kube-system"}
    rules = [_rule("", ["nodes/metrics"], ["get"]), _rule("", ["pods", "nodes"], _READ)]
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": named,
        "spec": {"ports": [{"port": 443, "name": "https"}]},
    }
    endpoints = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {**named, "labels": {"kubernetes.io/service-name": "metrics-server"}},
        "addressType": "IPv4",
        "ports": [{"name": "https", "port": 4443}],
        "endpoints": [{"addresses": [str(settings.addresses.node.ip)], "conditions": {"ready": True}}],
    }
    api = {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": METRICS_API},
        "spec": {
            "group": "metrics.k8s.io",
            "version": "v1beta1",
            "service": {"name": "metrics-server", "namespace": "kube-system"},
            "caBundle": authority,
            "groupPriorityMinimum": 100,
            "versionPriority": 100,
        },
    }
    reader = {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "metrics-server-auth-reader", "namespace": "kube-system"},
        "roleRef": {"apiGroup": _RBAC, "kind": "Role", "name": "extension-apiserver-authentication-reader"},
        "subjects": [{"apiGroup": _RBAC, "kind": "User", "name": user}],
    }
    delegation = _binding("metrics-server:system:auth-delegator", "system:auth-delegator", user)
    return [*_granted("metrics-server", rules), reader, delegation, service, endpoints, api]


def manifests(settings: Settings, authority: str) -> Manifest:
    """All of it, as one list to apply."""
    items = [*name_server(), *storage(), *metrics(settings, authority)]
    return {"apiVersion": "v1", "kind": "List", "items": items}
