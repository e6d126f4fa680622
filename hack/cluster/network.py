"""The cluster's own network namespace: one pair of interfaces leads in, and nothing leads out of the machine.

All rules and interfaces of the cluster live in it, so that the host's firewall is never touched and
removing the namespace removes them all. It has no default route: no packet of a pod can leave the machine.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hack.cluster.commands import run, succeeds

if TYPE_CHECKING:
    from hack.cluster.settings import Settings


def inside(settings: Settings) -> list[str]:
    """What to write before a command so that it runs inside the namespace.

    Not `ip netns exec`, which mounts /sys anew and so hides the cgroups.
    """
    return ["nsenter", f"--net={settings.network_namespace}"]


def is_up(settings: Settings) -> bool:
    """Whether the namespace and the pair of interfaces are there."""
    return settings.network_namespace.exists() and Path("/sys/class/net", settings.interface).exists()


def creation(settings: Settings) -> list[list[str]]:
    """Commands that make the namespace and everything in it, in order."""
    addresses = settings.addresses
    within = inside(settings)
    node = str(addresses.node.ip)
    pair = ["ip", "link", "add", settings.interface, "type", "veth", "peer", "name", "eth0", "netns", settings.name]
    routes = [["ip", "route", "replace", str(net), "via", node] for net in (addresses.pods, addresses.services)]
    return [
        ["ip", "netns", "add", settings.name],
        pair,
        ["ip", "address", "add", str(addresses.host), "dev", settings.interface],
        ["ip", "link", "set", settings.interface, "up"],
        [*within, "ip", "link", "set", "lo", "up"],
        [*within, "ip", "address", "add", str(addresses.node), "dev", "eth0"],
        [*within, "ip", "link", "set", "eth0", "up"],
        # Each network namespace has these settings to itself.
        [*within, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"],
        # The host reaches pods and Services by their own addresses, which makes them easy to look at.
        *routes,
    ]


def up(settings: Settings) -> None:
    """Make the namespace, from the start if only a part of it is there.

    Raises:
        ClusterError: a command failed, for example because the addresses are in use.

    """
    if is_up(settings):
        return
    down(settings)
    for command in creation(settings):
        run(command)


def down(settings: Settings) -> None:
    """Remove the namespace and the interfaces, where they are there."""
    if Path("/sys/class/net", settings.interface).exists():
        run(["ip", "link", "delete", settings.interface])
    # After a reboot the name may be left over with no namespace behind it: deletion handles both.
    if settings.network_namespace.exists() and not succeeds(["ip", "netns", "delete", settings.name]):
        settings.network_namespace.unlink()
