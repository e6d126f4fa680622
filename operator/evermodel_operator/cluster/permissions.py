"""Every permission that the operator uses, and no other: the chart's roles are compared with this by a test.

Server-side apply of an object that is not there needs `create` beside `patch`. kopf lists and watches the watched
kinds; beyond that it only reads the discovery documents, which every service account may.
"""

from __future__ import annotations

from dataclasses import dataclass

from evermodel_api import GROUP


@dataclass(frozen=True)
class Permission:
    """Verbs on a resource; a subresource is written after a slash, as in a Role."""

    group: str
    resource: str
    verbs: frozenset[str]


def _may(group: str, resource: str, *verbs: str) -> Permission:
    return Permission(group, resource, frozenset(verbs))


EVERYWHERE = (
    _may(GROUP, "modeltrainings", "list", "watch"),
    _may(GROUP, "modeltrainings/status", "patch"),
    _may(GROUP, "modelversions", "get", "list", "watch", "create", "patch"),
    _may(GROUP, "modelversions/status", "patch"),
    _may(GROUP, "modeldeployments", "list", "watch"),
    _may(GROUP, "modeldeployments/status", "patch"),
    _may(GROUP, "driftmonitors", "list", "watch"),
    _may(GROUP, "driftmonitors/status", "patch"),
    _may("batch", "jobs", "get", "list", "watch", "create", "patch", "delete"),
    _may("apps", "deployments", "get", "list", "watch", "create", "patch", "delete"),
    _may("", "services", "get", "list", "watch", "create", "patch", "delete"),
    _may("", "pods", "list", "watch"),
    _may("autoscaling", "horizontalpodautoscalers", "get", "list", "watch", "create", "patch", "delete"),
    _may("policy", "poddisruptionbudgets", "get", "list", "watch", "create", "patch", "delete"),
    _may("networking.k8s.io", "ingresses", "get", "list", "watch", "create", "patch", "delete"),
    _may("", "configmaps", "get", "create", "patch", "delete"),
    _may("", "persistentvolumeclaims", "get", "create", "patch"),
    _may("events.k8s.io", "events", "get", "create", "patch"),
)
"""In the watched namespaces, or in all of them."""

OWN_NAMESPACE = (_may("coordination.k8s.io", "leases", "get", "create", "update"),)
"""In the namespace of the Lease, where leader election is on."""
