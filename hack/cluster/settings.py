"""What may differ between two clusters: name, addresses, places. All of it comes from the environment."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hack.cluster.errors import ClusterError

if TYPE_CHECKING:
    from collections.abc import Mapping

# The name is also that of a network interface (`NAME-veth`, at most 15 characters).
_NAME = re.compile(r"[a-z][a-z0-9-]{0,8}[a-z0-9]")
# Reserved for benchmarks (RFC 2544): no office network or VPN uses it, so routes to it hide nothing.
_DEFAULT_RANGE = "198.18.0.0/16"
# A Unix socket's path ends at 107 bytes; containerd appends `.ttrpc` to its own.
_LONGEST_STATE_PATH = 107 - len("/containerd.sock.ttrpc")


@dataclass(frozen=True)
class Addresses:
    """The addresses of one cluster, all inside one /16."""

    host: ipaddress.IPv4Interface
    node: ipaddress.IPv4Interface
    pods: ipaddress.IPv4Network
    services: ipaddress.IPv4Network

    @classmethod
    def within(cls, text: str) -> Addresses:
        """Lay out a /16.

        Raises:
            ClusterError: the text is not an IPv4 network of 16 bits.

        """
        try:
            network = ipaddress.IPv4Network(text)
        except ValueError as error:
            raise ClusterError(
                f"CLUSTER_RANGE={text} is not a network ({error}): write one like 198.18.0.0/16"
            ) from None
        if network.prefixlen != 16:
            raise ClusterError(f"CLUSTER_RANGE={text} must have 16 bits: write one like 198.18.0.0/16")
        base = network.network_address
        return cls(
            host=ipaddress.IPv4Interface(f"{base + 1}/30"),
            node=ipaddress.IPv4Interface(f"{base + 2}/30"),
            pods=ipaddress.IPv4Network(f"{base + 256}/24"),
            services=ipaddress.IPv4Network(f"{base + 128 * 256}/20"),
        )

    @property
    def kubernetes_service(self) -> ipaddress.IPv4Address:
        """The address that the API server gives to the Service `kubernetes`: the first one."""
        return self.services.network_address + 1


@dataclass(frozen=True)
class Settings:
    """One cluster: its name, its addresses and where it keeps things."""

    name: str
    addresses: Addresses
    state: Path
    cache: Path

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Read CLUSTER_NAME, CLUSTER_RANGE, XDG_STATE_HOME, XDG_CACHE_HOME and HOME.

        Raises:
            ClusterError: one of them cannot be used.

        """
        name = environment.get("CLUSTER_NAME") or "evermodel"
        if not _NAME.fullmatch(name):
            raise ClusterError(
                f"CLUSTER_NAME={name} cannot name a network interface: use 2 to 10 of a-z, 0-9 and -, a letter first"
            )
        home = environment.get("HOME")
        if not home and not ("XDG_STATE_HOME" in environment and "XDG_CACHE_HOME" in environment):
            raise ClusterError("HOME is not set, so there is no place for the cluster's state: set HOME")
        state = Path(environment.get("XDG_STATE_HOME") or f"{home}/.local/state") / "evermodel" / "cluster" / name
        if len(bytes(state)) > _LONGEST_STATE_PATH:
            raise ClusterError(
                f"{state} is too long for the sockets in it: set XDG_STATE_HOME to a folder with a shorter name"
            )
        return cls(
            name=name,
            addresses=Addresses.within(environment.get("CLUSTER_RANGE") or _DEFAULT_RANGE),
            state=state,
            cache=Path(environment.get("XDG_CACHE_HOME") or f"{home}/.cache") / "evermodel",
        )

    @property
    def kubeconfig(self) -> Path:
        """What `kubectl` and the tests use: an administrator's access."""
        return self.state / "kubeconfig"

    @property
    def image_references(self) -> Path:
        """The images in the cluster, by digest (JSON: name to reference)."""
        return self.state / "images.json"

    @property
    def network_namespace(self) -> Path:
        """Where `ip netns` keeps the cluster's namespace."""
        return Path("/run/netns") / self.name

    @property
    def interface(self) -> str:
        """The host's end of the pair of interfaces that leads into the cluster."""
        return f"{self.name}-veth"

    @property
    def containerd_socket(self) -> Path:
        """Where containerd listens."""
        return self.state / "containerd.sock"

    @property
    def server(self) -> str:
        """Address of the API server."""
        return f"https://{self.addresses.node.ip}:6443"
