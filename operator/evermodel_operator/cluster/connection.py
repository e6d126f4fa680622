"""Where the API server is and who we are: from the pod's service account, or from a kubeconfig."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import kopf
from kubernetes.aio import config
from kubernetes.aio.client import ApiClient, Configuration
from kubernetes.aio.config.config_exception import ConfigException

SERVICE_ACCOUNT_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")

# The kubelet renews a token when a fifth of its life is left, so a token just read is good for at least 10 minutes.
TOKEN_LIFE = timedelta(minutes=10)


class ConnectionFailed(Exception):  # noqa: N818
    """There are no usable credentials; says where they were looked for."""


@dataclass(frozen=True)
class Connection:
    """The transport of our own client, and the same credentials for kopf."""

    configuration: Any
    in_cluster: bool

    def api_client(self) -> ApiClient:
        """A new transport. Must be closed."""
        return ApiClient(self.configuration)

    async def login(self, **_: Any) -> kopf.ConnectionInfo:
        """What kopf asks for at the start, when its token expires, and when the API server refuses it."""
        authorization: str = await self.configuration.get_api_key_with_prefix("BearerToken") or ""
        scheme, _space, token = authorization.partition(" ")
        expires = datetime.now(UTC) + TOKEN_LIFE if self.in_cluster else None
        return kopf.ConnectionInfo(
            server=self.configuration.host,
            ca_path=self.configuration.ssl_ca_cert,
            insecure=not self.configuration.verify_ssl,
            scheme=scheme.capitalize() or None,
            token=token.strip() or None,
            certificate_path=self.configuration.cert_file,
            private_key_path=self.configuration.key_file,
            proxy_url=self.configuration.proxy,
            expiration=expires,
        )


async def connect(kubeconfig: str | None, context: str | None) -> Connection:
    """Find the cluster: what was named, else the pod's service account, else $KUBECONFIG or ~/.kube/config.

    Raises:
        ConnectionFailed: when there is none.
    """
    configuration = Configuration()
    loaders: Any = config
    configuration.client_session_kwargs = {"trust_env": False}
    in_cluster = kubeconfig is None and context is None and "KUBERNETES_SERVICE_HOST" in os.environ
    try:
        if in_cluster:
            loaders.load_incluster_config(client_configuration=configuration)
        else:
            await loaders.load_kube_config(
                config_file=kubeconfig, context=context, client_configuration=configuration, persist_config=False
            )
    except (ConfigException, OSError) as error:
        where = (
            "the pod's service account"
            if in_cluster
            else f"the kubeconfig {kubeconfig or '($KUBECONFIG or ~/.kube/config)'}"
        )
        raise ConnectionFailed(
            f"{where} gives no way to a cluster ({error}); name one with --kubeconfig FILE"
        ) from error
    return Connection(configuration, in_cluster)


def own_namespace() -> str | None:
    """The namespace of the pod that this runs in; None outside a pod."""
    try:
        return SERVICE_ACCOUNT_NAMESPACE.read_text().strip() or None
    except OSError:
        return None
