"""The text of every configuration file of the cluster (pure: settings in, text out).

Kubernetes reads JSON wherever it reads YAML, so the structured ones are written as JSON.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hack.cluster.host import Host
    from hack.cluster.settings import Settings

PAUSE_IMAGE = "docker.io/library/pause:local"
CLUSTER_DOMAIN = "cluster.local"
# Who each component is to the API server: user name and group.
IDENTITIES: dict[str, tuple[str, str]] = {
    "admin": ("kubernetes-admin", "system:masters"),
    "kube-controller-manager": ("system:kube-controller-manager", ""),
    "kube-scheduler": ("system:kube-scheduler", ""),
    "kube-proxy": ("system:kube-proxy", ""),
    "coredns": ("system:coredns", ""),
    "metrics-server": ("system:metrics-server", ""),
    "directory-provisioner": ("system:directory-provisioner", ""),
}


def identities(settings: Settings) -> dict[str, tuple[str, str]]:
    """All identities; the kubelet's names its node."""
    return {**IDENTITIES, "kubelet": (f"system:node:{settings.name}", "system:nodes")}


def tokens_file(settings: Settings, tokens: Mapping[str, str]) -> str:
    """The API server's list of tokens: token, user, user id, groups."""
    known = identities(settings)
    lines = []
    for component, token in sorted(tokens.items()):
        user, group = known[component]
        lines.append(",".join([token, user, user, *([f'"{group}"'] if group else [])]))
    return "\n".join(lines) + "\n"


def kubeconfig(settings: Settings, authority: str, token: str) -> str:
    """How a component or a person reaches the API server; `authority` is the certificate in base64."""
    name = settings.name
    cluster = {"server": settings.server, "certificate-authority-data": authority}
    return as_json(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": name, "cluster": cluster}],
            "users": [{"name": name, "user": {"token": token}}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
            "current-context": name,
        }
    )


def audit_policy() -> str:
    """Who asked for what, without the content; the cluster's own components are left out."""
    components = sorted(user for user, group in IDENTITIES.values() if group != "system:masters")
    quiet: list[dict[str, Any]] = [
        {"level": "None", "users": components},
        {"level": "None", "users": ["system:apiserver"]},
        {"level": "None", "userGroups": ["system:nodes", "system:serviceaccounts:kube-system"]},
    ]
    return as_json(
        {
            "apiVersion": "audit.k8s.io/v1",
            "kind": "Policy",
            "omitStages": ["RequestReceived"],
            "rules": [*quiet, {"level": "Metadata"}],
        }
    )


def containerd(settings: Settings, host: Host, cni_plugins: str) -> str:
    """Containerd's file: every path of it inside the state folder."""
    state = settings.state
    return f"""version = 2
root = "{state}/containerd/root"
state = "{state}/containerd/state"
oom_score = 0
disabled_plugins = ["io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.btrfs"]
[grpc]
  address = "{settings.containerd_socket}"
[plugins."io.containerd.internal.v1.opt"]
  path = "{state}/containerd/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE_IMAGE}"
  restrict_oom_score_adj = {str(not host.may_raise_limits).lower()}
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{cni_plugins}"
    conf_dir = "{state}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "{"overlayfs" if host.overlay_usable else "native"}"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        Root = "{state}/containerd/runc"
"""


def pod_network(settings: Settings) -> str:
    """Each pod on a pair of its own, routed.

    Not a bridge: there, the answer of a Service's pod to its neighbour would go around the address
    translation, unless the host's kernel passes bridged packets through iptables.
    """
    addresses = {
        "type": "host-local",
        "dataDir": str(settings.state / "cni-addresses"),
        "ranges": [[{"subnet": str(settings.addresses.pods)}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    plugin = {"type": "ptp", "ipMasq": False, "ipam": addresses}
    return as_json({"cniVersion": "0.4.0", "name": settings.name, "plugins": [plugin]})


def kubelet(settings: Settings, host: Host) -> str:
    """The kubelet's file."""
    state = settings.state
    return as_json(
        {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "authentication": {
                "anonymous": {"enabled": False},
                "webhook": {"enabled": True},
                "x509": {"clientCAFile": str(state / "pki/ca.crt")},
            },
            "authorization": {"mode": "Webhook"},
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": f"/{settings.name}",
            "failCgroupV1": False,
            "failSwapOn": False,
            "containerRuntimeEndpoint": f"unix://{settings.containerd_socket}",
            # Without CAP_SYS_RESOURCE some limits cannot be raised: this gate makes the kubelet go on.
            "featureGates": {"KubeletInUserNamespace": not host.may_raise_limits},
            "clusterDNS": [str(settings.addresses.node.ip)],
            "clusterDomain": CLUSTER_DOMAIN,
            "resolvConf": "/dev/null",
            "enforceNodeAllocatable": [],
            "podLogsDir": str(state / "pod-logs"),
            "volumePluginDir": str(state / "volume-plugins"),
            # A fuller disk than 85 % would make the kubelet delete images that nothing can pull again.
            "imageGCHighThresholdPercent": 100,
            "evictionHard": {"nodefs.available": "1%", "imagefs.available": "1%", "memory.available": "100Mi"},
        }
    )


def coredns(settings: Settings) -> str:
    """The cluster's name server: Services and pods only, since no other server can be reached."""
    plugins = (
        "errors",
        "health 127.0.0.1:8085",
        f"ready {settings.addresses.node.ip}:8181",
        f"kubernetes {CLUSTER_DOMAIN} in-addr.arpa {{",
        f"  kubeconfig {settings.state}/coredns.kubeconfig {settings.name}",
        "  pods insecure",
        "}",
        "cache 5",
    )
    return "\n".join([".:53 {", *(f"  {plugin}" for plugin in plugins), "}"]) + "\n"


def as_json(document: Mapping[str, Any]) -> str:
    """Text of a configuration document."""
    return json.dumps(document, indent=2) + "\n"
