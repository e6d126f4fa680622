"""The pod that training, serving and monitoring share: restricted, without a token, with its order and the store."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from evermodel_api.base import Reference, Resources, SecretKey
from evermodel_api.pod import OWN_CONTAINER
from evermodel_api.runs import ORDER_DIRECTORY, ORDER_FILE
from evermodel_operator.children.volumes import (
    NOTHING,
    TMP,
    Component,
    Mounted,
    order_files,
    scratch,
    secret_files,
    store_environment,
    store_files,
    store_root,
)
from evermodel_operator.plan import Object
from evermodel_operator.settings import Settings

__all__ = ["CONTAINER", "Component", "PodShape", "own_container", "pod_template", "store_root"]

CONTAINER = OWN_CONTAINER
"""The container that does the work and answers."""
COLLECT = "collect"
"""The init container that reads the rows for containers of users."""
CHAMPION = "champion"
"""The sidecar that answers as the champion, in its own image."""
FIT_PREFIX = "fit-"
"""Begins the names of the init containers that users bring."""
_USER = 65532
"""The image's user. Named here too, so that a volume belongs to it."""


@dataclass(frozen=True)
class PodShape:
    """What differs from pod to pod."""

    command: str
    """Subcommand of `evermodel`: train, serve, monitor or reproduce."""
    component: Component
    """What it does, and so what it may do to the store."""
    namespace: str
    """Where it runs."""
    image: str
    order_name: str
    """Name of the ConfigMap with the order."""
    resources: Resources
    labels: dict[str, str]
    annotations: dict[str, str] = field(default_factory=dict)
    secrets: tuple[SecretKey | Reference, ...] = ()
    exchange: Mounted = NOTHING
    """The directory that its containers share, where there are several."""
    own: Mounted = NOTHING
    """What only pods of this kind mount."""

    @property
    def arguments(self) -> list[str]:
        """What the image is started with."""
        return [self.command, "--order", f"{ORDER_DIRECTORY}/{ORDER_FILE}"]


def pod_template(
    shape: PodShape, settings: Settings, *, container: Object, spec: Object, more: Mounted = NOTHING
) -> Object:
    """A pod template; `container` and `spec` are what the caller adds to the container and to the pod's spec.

    `more` holds volumes that only other containers mount.

    The pod passes the restricted Pod Security Standard and has no service-account token: it needs no Kubernetes.
    """
    mounted = files_of(shape, settings)
    pull = [{"name": name} for name in settings.image_pull_secrets]
    return {
        "metadata": {"labels": shape.labels, **({"annotations": shape.annotations} if shape.annotations else {})},
        "spec": {
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "securityContext": {
                "runAsNonRoot": True,
                "fsGroup": _USER,
                "fsGroupChangePolicy": "OnRootMismatch",
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            **({"imagePullSecrets": pull} if pull else {}),
            "containers": [{**own_container(shape, settings, CONTAINER, shape.arguments, mounted.mounts), **container}],
            "volumes": [*mounted.volumes, *more.volumes],
            **spec,
        },
    }


def files_of(shape: PodShape, settings: Settings) -> Mounted:
    """What the main container mounts."""
    return (
        order_files(shape.order_name)
        + scratch()
        + store_files(settings, shape.namespace, shape.component)
        + secret_files(shape.secrets)
        + shape.exchange
        + shape.own
    )


def own_container(
    shape: PodShape, settings: Settings, name: str, arguments: list[str], mounts: Iterable[Object]
) -> Object:
    """A container of an image of Evermodel's."""
    return {
        "name": name,
        "image": shape.image,
        "imagePullPolicy": settings.image_pull_policy,
        "args": arguments,
        "env": [
            {"name": "HOME", "value": TMP},
            *thread_limits(),
            *_memory_limit(shape.component),
            *store_environment(settings, shape.component),
        ],
        "resources": shape.resources.dump(),
        # By container and not by pod: an image that a user brings has a user of its own.
        "securityContext": {**restricted(), "runAsUser": _USER, "runAsGroup": _USER, "readOnlyRootFilesystem": True},
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": list(mounts),
    }


def restricted() -> Object:
    """What a container must say to pass the restricted Pod Security Standard, beside what its pod says."""
    return {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


def thread_limits() -> list[Object]:
    """Numeric libraries start as many threads as the node has cores unless told what the container may use."""
    limit = _limit("limits.cpu")
    return [{"name": name, "valueFrom": limit} for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")]


def _memory_limit(component: Component) -> list[Object]:
    """In bytes; that of the node where the container has none. Rows beyond it are kept on disk."""
    if component is not Component.TRAINING:
        return []
    return [{"name": "EVERMODEL_MEMORY_LIMIT", "valueFrom": _limit("limits.memory")}]


def _limit(resource: str) -> Object:
    """Of the container itself, rounded up to a whole number."""
    return {"resourceFieldRef": {"resource": resource, "divisor": "1"}}
