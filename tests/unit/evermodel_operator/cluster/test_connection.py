"""Where the API server is, and the same credentials for kopf."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from types import SimpleNamespace

import pytest
from kubernetes.aio.config import incluster_config

from evermodel_operator.cluster.connection import ConnectionFailed, connect

KUBECONFIG = """
apiVersion: v1
kind: Config
current-context: first
clusters:
- {name: one, cluster: {server: "https://one.example.org:6443", insecure-skip-tls-verify: true}}
- {name: two, cluster: {server: "https://two.example.org:6443", insecure-skip-tls-verify: true}}
users:
- {name: a, user: {token: secret-a}}
- {name: b, user: {token: secret-b}}
contexts:
- {name: first, context: {cluster: one, user: a}}
- {name: second, context: {cluster: two, user: b}}
"""


class InTwoMinutes(datetime):
    """A clock that is ahead by more than the client library trusts a token that it has read."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        return datetime.now(tz) + timedelta(minutes=2)


@pytest.fixture
def kubeconfig(tmp_path: Path) -> str:
    file = tmp_path / "config"
    file.write_text(KUBECONFIG)
    return str(file)


@pytest.mark.parametrize(
    ("context", "server", "token"),
    [(None, "https://one.example.org:6443", "secret-a"), ("second", "https://two.example.org:6443", "secret-b")],
)
async def test_a_kubeconfig_gives_our_client_and_kopf_the_same(
    kubeconfig: str, context: str | None, server: str, token: str
):
    connection = await connect(kubeconfig, context)

    info = await connection.login()

    assert connection.configuration.host == info.server == server
    assert info.as_http_headers() == {"Authorization": f"Bearer {token}"}
    assert info.insecure
    assert info.expiration is None


async def test_no_cluster_is_told_with_what_to_do(tmp_path: Path):
    with pytest.raises(ConnectionFailed, match="--kubeconfig FILE"):
        await connect(str(tmp_path / "nowhere"), None)


async def test_an_unknown_context_is_told(kubeconfig: str):
    with pytest.raises(ConnectionFailed, match="nothing"):
        await connect(kubeconfig, "nothing")


async def test_in_a_pod_the_service_account_is_used_and_its_token_is_read_again_when_the_kubelet_renewed_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    token, authority = tmp_path / "token", tmp_path / "ca.crt"
    token.write_text("first")
    authority.write_text("a certificate")
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(token))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(authority))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")

    connection = await connect(None, None)
    before = await connection.login()
    token.write_text("second")
    monkeypatch.setattr(incluster_config, "datetime", SimpleNamespace(datetime=InTwoMinutes, timedelta=timedelta))
    after = await connection.login()

    assert before.server == "https://10.96.0.1:443"
    assert (before.token, after.token) == ("first", "second")
    assert after.expiration is not None
    assert before.expiration != after.expiration, "or kopf would take it for the credentials that were refused"
