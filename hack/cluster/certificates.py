"""The cluster's keys and certificates, made once by openssl."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hack.cluster.commands import run

if TYPE_CHECKING:
    from pathlib import Path

    from hack.cluster.settings import Settings

_DAYS = "3650"
_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]


@dataclass(frozen=True)
class Leaf:
    """A certificate signed by one of the cluster's authorities."""

    file: str
    authority: str
    subject: str
    alternative_names: tuple[str, ...] = ()


def leaves(settings: Settings) -> list[Leaf]:
    """Every certificate that the components show to each other."""
    addresses = settings.addresses
    server_names = (
        *("DNS:localhost", "DNS:kubernetes", "DNS:kubernetes.default", "DNS:kubernetes.default.svc"),
        "DNS:kubernetes.default.svc.cluster.local",
        *(f"IP:{ip}" for ip in ("127.0.0.1", addresses.node.ip, addresses.kubernetes_service)),
    )
    metrics_names = ("DNS:metrics-server.kube-system.svc", f"IP:{addresses.node.ip}")
    return [
        Leaf("apiserver", "ca", "/CN=kube-apiserver", server_names),
        Leaf("apiserver-kubelet-client", "ca", "/O=system:masters/CN=kube-apiserver-kubelet-client"),
        Leaf("metrics-server", "ca", "/CN=metrics-server", metrics_names),
        Leaf("front-proxy-client", "front-proxy-ca", "/CN=front-proxy-client"),
    ]


def authority_command(folder: Path, name: str, common_name: str) -> list[str]:
    """Command that makes a certificate authority."""
    files = ["-keyout", str(folder / f"{name}.key"), "-out", str(folder / f"{name}.crt")]
    # Strict verifiers (Python 3.13) refuse an authority that does not say what its key is for.
    use = ["-addext", "keyUsage=critical,keyCertSign,cRLSign"]
    return ["openssl", "req", "-x509", *_KEY, "-days", _DAYS, "-subj", f"/CN={common_name}", *use, *files]


def leaf_command(folder: Path, leaf: Leaf) -> list[str]:
    """Command that makes a certificate and has an authority sign it."""
    authority = [f"-CA={folder / leaf.authority}.crt", f"-CAkey={folder / leaf.authority}.key"]
    signed_by = [part for option in authority for part in option.split("=", 1)]
    names = ["-addext", f"subjectAltName={','.join(leaf.alternative_names)}"] if leaf.alternative_names else []
    files = ["-keyout", str(folder / f"{leaf.file}.key"), "-out", str(folder / f"{leaf.file}.crt")]
    use = ["-addext", "extendedKeyUsage=serverAuth,clientAuth", "-addext", "basicConstraints=CA:FALSE"]
    return ["openssl", "req", "-x509", *_KEY, *signed_by, "-days", _DAYS, "-subj", leaf.subject, *use, *names, *files]


def create(settings: Settings) -> None:
    """Make all keys and certificates, unless they are there.

    Raises:
        ClusterError: openssl failed.

    """
    folder = settings.state / "pki"
    if folder.exists():
        return
    partial = folder.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(mode=0o700)
    run(authority_command(partial, "ca", f"{settings.name}-ca"))
    run(authority_command(partial, "front-proxy-ca", f"{settings.name}-front-proxy-ca"))
    for leaf in leaves(settings):
        run(leaf_command(partial, leaf))
    key = str(partial / "service-accounts.key")
    run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-out", key])
    run(["openssl", "pkey", "-in", key, "-pubout", "-out", str(partial / "service-accounts.pub")])
    partial.rename(folder)
