"""Writes the files that the components of the cluster read."""

from __future__ import annotations

import base64
import json
import os
import secrets
from typing import TYPE_CHECKING

from hack.cluster import addons, configuration
from hack.cluster.packages import CNI_PLUGINS

if TYPE_CHECKING:
    from pathlib import Path

    from hack.cluster.host import Host
    from hack.cluster.settings import Settings


def write(settings: Settings, host: Host) -> None:
    """Write every file that is missing or has changed; the certificates must be there."""
    state = settings.state
    tokens = _tokens(settings)
    authority = base64.b64encode((state / "pki" / "ca.crt").read_bytes()).decode()
    _write(state / "tokens.csv", configuration.tokens_file(settings, tokens))
    for component, token in tokens.items():
        path = settings.kubeconfig if component == "admin" else state / f"{component}.kubeconfig"
        _write(path, configuration.kubeconfig(settings, authority, token))
    _hand_over(settings.kubeconfig)
    _write(state / "audit-policy.json", configuration.audit_policy())
    _write(state / "containerd.toml", configuration.containerd(settings, host, str(CNI_PLUGINS)))
    _write(state / "cni" / "10-pods.conflist", configuration.pod_network(settings))
    _write(state / "kubelet.json", configuration.kubelet(settings, host))
    _write(state / "Corefile", configuration.coredns(settings))
    _write(state / "addons.json", configuration.as_json(addons.manifests(settings, authority)))


def _tokens(settings: Settings) -> dict[str, str]:
    """One random token for each identity, the same at every start."""
    file = settings.state / "tokens.json"
    tokens: dict[str, str] = json.loads(file.read_text()) if file.exists() else {}
    for component in configuration.identities(settings):
        tokens.setdefault(component, secrets.token_hex(16))
    _write(file, configuration.as_json(tokens))
    return tokens


def _write(path: Path, text: str) -> None:
    if path.exists() and path.read_text() == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    # Most of them hold a token or tell where one is: nobody else on this machine may read them.
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    partial.rename(path)


def _hand_over(path: Path) -> None:
    """Give a file to the person who called sudo."""
    owner, group = os.environ.get("SUDO_UID"), os.environ.get("SUDO_GID")
    if owner and group:
        os.chown(path, int(owner), int(group))
