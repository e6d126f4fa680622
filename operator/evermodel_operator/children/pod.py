"""The pod that training, serving and monitoring share: restricted, without a token, with its order and the store."""

from dataclasses import dataclass, field

from evermodel_api.base import Resources, SecretKey
from evermodel_api.runs import ORDER_DIRECTORY, ORDER_FILE, SECRETS_DIRECTORY
from evermodel_operator.plan import Object
from evermodel_operator.settings import STORE_MOUNT, Settings

CONTAINER = "evermodel"
_USER = 65532
"""The image's user. Named here too, so that a volume belongs to it."""


@dataclass(frozen=True)
class PodShape:
    """What differs from pod to pod."""

    command: str
    """Subcommand of `evermodel`: train, serve or monitor."""
    image: str
    order_name: str
    """Name of the ConfigMap with the order."""
    resources: Resources
    labels: dict[str, str]
    annotations: dict[str, str] = field(default_factory=dict)
    secrets: tuple[SecretKey, ...] = ()


def pod_template(shape: PodShape, settings: Settings, *, container: Object, spec: Object) -> Object:
    """A pod template; `container` and `spec` are what the caller adds to the container and to the pod's spec.

    The pod passes the restricted Pod Security Standard and has no service-account token: it needs no Kubernetes.
    """
    volumes, mounts = _volumes(shape, settings)
    return {
        "metadata": {"labels": shape.labels, **({"annotations": shape.annotations} if shape.annotations else {})},
        "spec": {
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": _USER,
                "runAsGroup": _USER,
                "fsGroup": _USER,
                "fsGroupChangePolicy": "OnRootMismatch",
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            **(
                {"imagePullSecrets": [{"name": n} for n in settings.image_pull_secrets]}
                if settings.image_pull_secrets
                else {}
            ),
            "containers": [
                {
                    "name": CONTAINER,
                    "image": shape.image,
                    "imagePullPolicy": settings.image_pull_policy,
                    "args": [shape.command, "--order", f"{ORDER_DIRECTORY}/{ORDER_FILE}"],
                    "env": _environment(),
                    "resources": shape.resources.dump(),
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "readOnlyRootFilesystem": True,
                        "capabilities": {"drop": ["ALL"]},
                    },
                    "terminationMessagePolicy": "FallbackToLogsOnError",
                    "volumeMounts": mounts,
                    **container,
                }
            ],
            "volumes": volumes,
            **spec,
        },
    }


def _environment() -> list[Object]:
    """Numeric libraries start as many threads as the node has cores unless told what the pod may use."""
    limit = {"resourceFieldRef": {"containerName": CONTAINER, "resource": "limits.cpu", "divisor": "1"}}
    return [
        {"name": "HOME", "value": "/tmp"},  # noqa: S108  the pod's own emptyDir
        {"name": "OMP_NUM_THREADS", "valueFrom": limit},
        {"name": "OPENBLAS_NUM_THREADS", "valueFrom": limit},
    ]


def _volumes(shape: PodShape, settings: Settings) -> tuple[list[Object], list[Object]]:
    volumes: list[Object] = [
        {"name": "order", "configMap": {"name": shape.order_name}},
        {"name": "tmp", "emptyDir": {}},
    ]
    mounts: list[Object] = [
        {"name": "order", "mountPath": ORDER_DIRECTORY, "readOnly": True},
        {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108  the pod's own emptyDir
    ]
    if settings.store.claim is not None:
        volumes.append({"name": "store", "persistentVolumeClaim": {"claimName": settings.store.claim.name}})
        mounts.append({"name": "store", "mountPath": STORE_MOUNT})
    for number, name in enumerate(sorted({secret.name for secret in shape.secrets})):
        keys = sorted({secret.key for secret in shape.secrets if secret.name == name})
        # Optional: a missing Secret is then told by the run itself, in words, instead of by a pod that never starts.
        volumes.append(
            {
                "name": f"secret-{number}",
                "secret": {"secretName": name, "optional": True, "items": [{"key": k, "path": k} for k in keys]},
            }
        )
        mounts.append({"name": f"secret-{number}", "mountPath": f"{SECRETS_DIRECTORY}/{name}", "readOnly": True})
    return volumes, mounts


def store_root(settings: Settings, namespace: str) -> str:
    """URL of the artifact store's root for a namespace."""
    return f"{settings.store.uri.rstrip('/')}/{namespace}"
