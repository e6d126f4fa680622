"""The kinds that the operator deals with, and where the API server keeps them: a static table, so no discovery."""

from __future__ import annotations

from dataclasses import dataclass

from evermodel_api import API_VERSION, GROUP
from evermodel_api.kinds import KINDS
from evermodel_operator.labels import MANAGED_SELECTOR


@dataclass(frozen=True)
class Resource:
    """One namespaced kind.

    `selector` limits, at the server, what is listed and watched of it.
    """

    api_version: str
    kind: str
    plural: str
    watched: bool = True
    selector: str = ""

    @property
    def group(self) -> str:
        """The API group; empty for the core."""
        return self.api_version.rpartition("/")[0]

    @property
    def version(self) -> str:
        """The version within the group."""
        return self.api_version.rpartition("/")[2]

    def path(self, namespace: str | None, name: str | None = None, subresource: str | None = None) -> str:
        """The path at the API server; without a namespace it is that of all namespaces."""
        parts = ["", "apis" if self.group else "api", self.api_version]
        if namespace is not None:
            parts += ["namespaces", namespace]
        parts.append(self.plural)
        parts += [part for part in (name, subresource) if part is not None]
        return "/".join(parts)


CUSTOM = tuple(Resource(API_VERSION, kind.name, kind.plural) for kind in KINDS)
"""The four kinds; all of them are watched, whoever wrote them."""

CHILDREN = (
    Resource("batch/v1", "Job", "jobs", selector=MANAGED_SELECTOR),
    Resource("apps/v1", "Deployment", "deployments", selector=MANAGED_SELECTOR),
    Resource("v1", "Service", "services", selector=MANAGED_SELECTOR),
    Resource("v1", "Pod", "pods", selector=MANAGED_SELECTOR),
    Resource("networking.k8s.io/v1", "Ingress", "ingresses", selector=MANAGED_SELECTOR),
    Resource("autoscaling/v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", selector=MANAGED_SELECTOR),
    Resource("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets", selector=MANAGED_SELECTOR),
)
"""What the operator makes and follows."""

UNWATCHED = (
    Resource("v1", "ConfigMap", "configmaps", watched=False),
    Resource("v1", "PersistentVolumeClaim", "persistentvolumeclaims", watched=False),
    Resource("events.k8s.io/v1", "Event", "events", watched=False),
    Resource("coordination.k8s.io/v1", "Lease", "leases", watched=False),
)
"""What the operator writes and has no need to follow."""

WATCHED = (*CUSTOM, *CHILDREN)

_BY_KIND = {(resource.api_version, resource.kind): resource for resource in (*WATCHED, *UNWATCHED)}
CUSTOM_KINDS = frozenset(resource.kind for resource in CUSTOM)


def resource_of(api_version: str, kind: str) -> Resource:
    """Look a kind up.

    Raises:
        LookupError: when the operator does not deal with the kind.
    """
    try:
        return _BY_KIND[api_version, kind]
    except KeyError:
        raise LookupError(
            f"the operator does not deal with {kind} of {api_version}; "
            "add it to cluster/resources.py and to cluster/permissions.py"
        ) from None


def is_custom(api_version: str, kind: str) -> bool:
    """Whether this is one of the four kinds."""
    return api_version.partition("/")[0] == GROUP and kind in CUSTOM_KINDS
