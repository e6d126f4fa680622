"""What pods mount: their order, scratch space, Secrets, and of the store no more than their part of it."""

import posixpath
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from evermodel_api.base import Reference, SecretKey
from evermodel_api.runs import ORDER_DIRECTORY, SECRETS_DIRECTORY
from evermodel_operator.plan import Object
from evermodel_operator.settings import STORE_MOUNT, Settings

TMP = "/tmp"  # noqa: S108  the pod's own emptyDir
STORE_CREDENTIALS = "/run/secrets/evermodel-store"
"""Not below SECRETS_DIRECTORY, where users' Secrets lie under names of their own choice."""
_CREDENTIALS_KEY = "credentials"


class Component(StrEnum):
    """What a pod does, and so what it may do to the store."""

    TRAINING = "training"
    SERVING = "serving"
    MONITORING = "monitoring"


WRITABLE: dict[Component, tuple[str, ...]] = {
    Component.SERVING: ("log", "feedback"),
    Component.MONITORING: ("reports",),
}
"""Folders of a namespace's store that a pod may write; training may write all of it."""


@dataclass(frozen=True)
class Mounted:
    """Volumes of a pod, and the mounts of one of its containers."""

    volumes: tuple[Object, ...] = ()
    mounts: tuple[Object, ...] = ()

    def __add__(self, other: "Mounted") -> "Mounted":
        """Both."""
        return Mounted(self.volumes + other.volumes, self.mounts + other.mounts)


NOTHING = Mounted()


def order_files(name: str) -> Mounted:
    """The order, from the ConfigMap of that name."""
    return Mounted(
        ({"name": "order", "configMap": {"name": name}},),
        ({"name": "order", "mountPath": ORDER_DIRECTORY, "readOnly": True},),
    )


def scratch(name: str = "tmp", path: str = TMP, limit: str | None = None) -> Mounted:
    """Space that outlives a container and is gone with the pod; beyond `limit` Kubernetes evicts the pod."""
    bounds = {} if limit is None else {"sizeLimit": limit}
    return Mounted(({"name": name, "emptyDir": bounds},), ({"name": name, "mountPath": path},))


def secret_folder(name: str, secret: str, path: str) -> Mounted:
    """All entries of one Secret at a path of Evermodel's choice; the pod tells in words when it is not there."""
    return Mounted(
        ({"name": name, "secret": {"secretName": secret, "optional": True}},),
        ({"name": name, "mountPath": path, "readOnly": True},),
    )


def secret_files(secrets: Iterable[SecretKey | Reference]) -> Mounted:
    """Each Secret as a folder: the keys that are named, or all of them where the whole Secret is.

    Optional: a missing Secret is then told by the run itself, in words, instead of by a pod that never starts.
    """
    wanted = list(secrets)
    whole = {secret.name for secret in wanted if isinstance(secret, Reference)}
    volumes, mounts = [], []
    for number, name in enumerate(sorted({secret.name for secret in wanted})):
        source: Object = {"secretName": name, "optional": True}
        if name not in whole:
            keys = sorted({s.key for s in wanted if isinstance(s, SecretKey) and s.name == name})
            source["items"] = [{"key": key, "path": key} for key in keys]
        volumes.append({"name": f"secret-{number}", "secret": source})
        mounts.append({"name": f"secret-{number}", "mountPath": f"{SECRETS_DIRECTORY}/{name}", "readOnly": True})
    return Mounted(tuple(volumes), tuple(mounts))


def store_root(settings: Settings, namespace: str) -> str:
    """URL of the artifact store's root for a namespace."""
    return f"{settings.store.uri.rstrip('/')}/{namespace}"


def store_files(settings: Settings, namespace: str, component: Component) -> Mounted:
    """The volume behind a file:// store, as far as the component may use it; and its credentials, where it has some."""
    found = NOTHING
    secret = credentials_of(settings, component)
    if secret is not None:
        found = secret_folder("store-credentials", secret, STORE_CREDENTIALS)
    claim = settings.store.claim
    if claim is None:
        return found
    volume = {"name": "store", "persistentVolumeClaim": {"claimName": claim.name}}
    return Mounted((volume,), _store_mounts(settings, namespace, component)) + found


def _store_mounts(settings: Settings, namespace: str, component: Component) -> tuple[Object, ...]:
    if component is Component.TRAINING:
        return ({"name": "store", "mountPath": STORE_MOUNT},)
    root = posixpath.normpath(store_root(settings, namespace).removeprefix("file://"))
    # A folder that is not there yet is made by the kubelet, with the mode and the group of the volume.
    writable = [f"{root}/{folder}" for folder in WRITABLE[component]]
    return (
        {"name": "store", "mountPath": STORE_MOUNT, "readOnly": True},
        *({"name": "store", "mountPath": path, "subPath": posixpath.relpath(path, STORE_MOUNT)} for path in writable),
    )


def credentials_of(settings: Settings, component: Component) -> str | None:
    """Name of the Secret with which a component's pods use the store."""
    credentials = settings.store.credentials
    return {
        Component.TRAINING: credentials.training,
        Component.SERVING: credentials.serving,
        Component.MONITORING: credentials.monitoring,
    }[component]


def store_environment(settings: Settings, component: Component) -> list[Object]:
    """How an object store is reached, in the variables that every S3 client reads."""
    values = {
        "AWS_ENDPOINT_URL": settings.store.endpoint,
        "AWS_REGION": settings.store.region,
        "AWS_SHARED_CREDENTIALS_FILE": (
            f"{STORE_CREDENTIALS}/{_CREDENTIALS_KEY}" if credentials_of(settings, component) else None
        ),
    }
    return [{"name": name, "value": value} for name, value in values.items() if value]
