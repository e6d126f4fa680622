"""An S3 server in a namespace, with users of its own, reached from this machine through kubectl."""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hack.s3.access import REGION, User, ask

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hack.demo.kubectl import Kubectl, Object

NAME = "objects"
ENDPOINT = f"http://{NAME}"
_ROOT = "owner"
_USER = 65532
_SERVE = (
    'mkdir -p /data/metadata /data/users && for name in "$@"; do mkdir -p "/data/buckets/$name"; done && '
    "exec versitygw --port :7070 --region us-east-1 --quiet --iam-dir /data/users "
    "posix --sidecar /data/metadata /data/buckets"
)
_RESTRICTED = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}


@dataclass(frozen=True)
class Objects:
    """The server, and who owns its buckets."""

    kubectl: Kubectl
    owner: User
    address: str
    """On this machine."""

    def add_user(self, name: str) -> User:
        """Make a user who may do nothing yet."""
        user = User(name, secrets.token_hex(16))
        who = ("--access", self.owner.key, "--secret", self.owner.secret, "--endpoint-url", "http://127.0.0.1:7070")
        made = ("create-user", "--access", user.key, "--secret", user.secret, "--role", "user")
        self.kubectl("exec", f"deployment/{NAME}", "--", "versitygw", "admin", *who, *made)
        return user

    def put(self, path: str, content: bytes) -> None:
        """Write an object as the owner; `path` is /BUCKET/KEY."""
        answer = ask(self.address, self.owner, "PUT", path, body=content)
        assert answer.status == 200, answer

    def get(self, path: str) -> bytes:
        """Read an object as the owner."""
        answer = ask(self.address, self.owner, "GET", path)
        assert answer.status == 200, answer
        return answer.body

    def keys(self, bucket: str) -> list[str]:
        """All keys of a bucket with less than a thousand."""
        answer = ask(self.address, self.owner, "GET", f"/{bucket}", query="list-type=2")
        assert answer.status == 200, answer
        return [part.partition("</Key>")[0] for part in answer.body.decode().split("<Key>")[1:]]

    def options(self) -> dict[str, str]:
        """What a Secret for a file source holds, inside the cluster."""
        return {"key": self.owner.key, "secret": self.owner.secret, "endpoint_url": ENDPOINT, "region": REGION}


@contextmanager
def objects(kubectl: Kubectl, image: str, buckets: tuple[str, ...]) -> Iterator[Objects]:
    """The server with these buckets; it goes with its namespace."""
    owner = User(_ROOT, secrets.token_hex(16))
    kubectl.apply(_manifests(owner, image, buckets))
    kubectl("rollout", "status", f"deployment/{NAME}", "--timeout=120s", timeout=130)
    with forwarded(kubectl, NAME) as address:
        yield Objects(kubectl, owner, address)


@contextmanager
def forwarded(kubectl: Kubectl, service: str) -> Iterator[str]:
    """Address on this machine that leads to a pod of a Service, as long as that pod lives."""
    process = kubectl.follow("port-forward", f"service/{service}", ":80")
    try:
        assert process.stdout is not None
        line = process.stdout.readline()  # Forwarding from 127.0.0.1:40123 -> 7070
        assert " -> " in line, f"port-forward to {service} ended with {process.wait(5)}"
        yield f"http://{line.split(' -> ')[0].rsplit(' ', 1)[1]}"
    finally:
        process.terminate()
        process.wait(10)
        if process.stdout is not None:
            process.stdout.close()


def _manifests(owner: User, image: str, buckets: tuple[str, ...]) -> list[Object]:
    container = {
        "name": "s3",
        "image": image,
        "command": ["/bin/sh", "-c", _SERVE, "serve", *buckets],
        "env": [
            {"name": name, "valueFrom": {"secretKeyRef": {"name": NAME, "key": key}}}
            for name, key in (("ROOT_ACCESS_KEY", "key"), ("ROOT_SECRET_KEY", "secret"))
        ],
        "ports": [{"name": "s3", "containerPort": 7070}],
        "readinessProbe": {"tcpSocket": {"port": "s3"}, "periodSeconds": 1},
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "256Mi"}},
        "securityContext": _RESTRICTED,
        "volumeMounts": [{"name": "data", "mountPath": "/data"}, {"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108  in the pod
    }
    ids = {"runAsUser": _USER, "runAsGroup": _USER, "fsGroup": _USER}
    labels = {"app.kubernetes.io/name": NAME}
    pod = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 2,
        "securityContext": {"runAsNonRoot": True, **ids, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
        "volumes": [{"name": name, "emptyDir": {}} for name in ("data", "tmp")],
    }
    template = {"metadata": {"labels": labels}, "spec": pod}
    ports = [{"name": "s3", "port": 80, "targetPort": "s3"}]
    return [
        secret(NAME, {"key": owner.key, "secret": owner.secret}),
        _object("v1", "Service", {"selector": labels, "ports": ports}),
        _object("apps/v1", "Deployment", {"selector": {"matchLabels": labels}, "template": template}),
    ]


def secret(name: str, values: dict[str, str]) -> Object:
    """A Secret."""
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": values}


def _object(version: str, kind: str, spec: Object) -> Object:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": NAME}, "spec": spec}
