"""The programs of the cluster: how each is called, in the order of starting (pure: settings in, arguments out)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hack.cluster.configuration import identities

if TYPE_CHECKING:
    from pathlib import Path

    from hack.cluster.settings import Settings

ETCD = "http://127.0.0.1:2379"
_ETCD_PEER = "http://127.0.0.1:2380"


@dataclass(frozen=True)
class Component:
    """One program: its arguments, and the files whose change means that it must start anew."""

    name: str
    argv: tuple[str, ...]
    files: tuple[Path, ...] = ()


def _options(**values: object) -> list[str]:
    return [f"--{name.replace('_', '-')}={value}" for name, value in values.items()]


def containerd(settings: Settings) -> Component:
    """Runs the containers."""
    file = settings.state / "containerd.toml"
    return Component("containerd", ("containerd", "--config", str(file)), (file,))


def etcd(settings: Settings, programs: Path) -> Component:
    """Keeps the state of the API server."""
    options = _options(
        data_dir=settings.state / "etcd",
        listen_client_urls=ETCD,
        advertise_client_urls=ETCD,
        listen_peer_urls=_ETCD_PEER,
        initial_advertise_peer_urls=_ETCD_PEER,
        initial_cluster=f"default={_ETCD_PEER}",
        log_level="warn",
    )
    # Waiting for the disk at each write protects against a power cut only: a cluster for tests can be made anew.
    return Component("etcd", (str(programs / "etcd"), *options, "--unsafe-no-fsync"))


def api_server(settings: Settings, programs: Path) -> Component:
    """The API server, with auditing and an aggregation layer."""
    state, pki = settings.state, settings.state / "pki"
    files = (state / "tokens.csv", state / "audit-policy.json", pki / "apiserver.crt")
    options = _options(
        etcd_servers=ETCD,
        service_cluster_ip_range=settings.addresses.services,
        service_account_issuer="https://kubernetes.default.svc.cluster.local",
        service_account_key_file=pki / "service-accounts.pub",
        service_account_signing_key_file=pki / "service-accounts.key",
        token_auth_file=state / "tokens.csv",
        authorization_mode="Node,RBAC",
        enable_admission_plugins="NodeRestriction",
        allow_privileged="true",
        secure_port=6443,
        bind_address="0.0.0.0",  # noqa: S104  inside a network namespace of its own
        advertise_address=settings.addresses.node.ip,
        tls_cert_file=pki / "apiserver.crt",
        tls_private_key_file=pki / "apiserver.key",
        client_ca_file=pki / "ca.crt",
        kubelet_preferred_address_types="InternalIP",
        kubelet_client_certificate=pki / "apiserver-kubelet-client.crt",
        kubelet_client_key=pki / "apiserver-kubelet-client.key",
        requestheader_client_ca_file=pki / "front-proxy-ca.crt",
        requestheader_allowed_names="front-proxy-client",
        requestheader_extra_headers_prefix="X-Remote-Extra-",
        requestheader_group_headers="X-Remote-Group",
        requestheader_username_headers="X-Remote-User",
        proxy_client_cert_file=pki / "front-proxy-client.crt",
        proxy_client_key_file=pki / "front-proxy-client.key",
        enable_aggregator_routing="true",
        audit_policy_file=state / "audit-policy.json",
        audit_log_path=state / "log" / "audit.log",
        audit_log_maxsize=100,
        audit_log_maxbackup=3,
    )
    return Component("kube-apiserver", (str(programs / "kube-apiserver"), *options), files)


def clients(settings: Settings, programs: Path) -> list[Component]:
    """The components that talk to the API server."""
    state, pki, node = settings.state, settings.state / "pki", settings.addresses.node.ip
    access = {name: state / f"{name}.kubeconfig" for name in identities(settings)}

    def component(name: str, *files: Path, **options: object) -> Component:
        called = (str(programs / name), *_options(**options))
        return Component(name, called, (*files, *([access[name]] if name in access else [])))

    corefile, kubelet_file = state / "Corefile", state / "kubelet.json"
    return [
        component(
            "kube-controller-manager",
            kubeconfig=access["kube-controller-manager"],
            service_account_private_key_file=pki / "service-accounts.key",
            root_ca_file=pki / "ca.crt",
            use_service_account_credentials="true",
            leader_elect="false",
            controllers="*,-node-ipam-controller",
        ),
        component("kube-scheduler", kubeconfig=access["kube-scheduler"], leader_elect="false"),
        component(
            "kube-proxy",
            kubeconfig=access["kube-proxy"],
            proxy_mode="iptables",
            cluster_cidr=settings.addresses.pods,
            hostname_override=settings.name,
            # The limits on tracked connections belong to the host: leave them alone.
            conntrack_max_per_core=0,
            conntrack_tcp_timeout_established="0s",
            conntrack_tcp_timeout_close_wait="0s",
        ),
        component(
            "kubelet",
            kubelet_file,
            config=kubelet_file,
            kubeconfig=access["kubelet"],
            root_dir=state / "kubelet",
            cert_dir=state / "kubelet-pki",
            hostname_override=settings.name,
            node_ip=node,
        ),
        Component("coredns", (str(programs / "coredns"), "-conf", str(corefile)), (corefile, access["coredns"])),
        component(
            "metrics-server",
            kubeconfig=access["metrics-server"],
            authentication_kubeconfig=access["metrics-server"],
            authorization_kubeconfig=access["metrics-server"],
            tls_cert_file=pki / "metrics-server.crt",
            tls_private_key_file=pki / "metrics-server.key",
            kubelet_insecure_tls="true",
            kubelet_preferred_address_types="InternalIP",
            secure_port=4443,
            metric_resolution="15s",
        ),
        component("directory-provisioner", kubeconfig=access["directory-provisioner"], directory=state / "volumes"),
    ]


def everything(settings: Settings, programs: Path) -> list[Component]:
    """All of them, in the order of starting."""
    core = [etcd(settings, programs), containerd(settings), api_server(settings, programs)]
    return [*core, *clients(settings, programs)]


# The kubelet first, so that nothing restarts what ends; etcd last, because the API server waits for it to stop.
STOP_ORDER = (
    *("kubelet", "kube-proxy", "kube-scheduler", "kube-controller-manager"),
    *("directory-provisioner", "metrics-server", "coredns", "kube-apiserver", "containerd", "etcd"),
)
