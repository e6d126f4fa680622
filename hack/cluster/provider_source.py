"""Kubernetes built from source, on this machine, in a network namespace of its own."""

from __future__ import annotations

import contextlib
import json
import shutil
import time
import urllib.request
from typing import TYPE_CHECKING

from hack.cluster import addons, build, certificates, cgroups, components, kernel, network, oci, state_files
from hack.cluster import host as machine
from hack.cluster.commands import last_words, run, succeeds
from hack.cluster.configuration import PAUSE_IMAGE
from hack.cluster.console import clock
from hack.cluster.containers import Containers, architecture
from hack.cluster.errors import ClusterError
from hack.cluster.locking import locked
from hack.cluster.packages import CLUSTER_NEEDS, install
from hack.cluster.processes import Processes
from hack.cluster.teardown import remove_shim_sockets, remove_traces, unmount

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from hack.cluster.components import Component
    from hack.cluster.console import Console
    from hack.cluster.host import Host
    from hack.cluster.provider import BuiltImage
    from hack.cluster.settings import Settings

_PATIENCE = 120.0


class SourceProvider:
    """A single-node cluster of real components; see `Provider` for what its methods promise."""

    needs_root = True

    def __init__(self, settings: Settings, console: Console) -> None:
        self._settings = settings
        self._console = console
        self._processes = Processes(settings.state)
        self._containers = Containers(["ctr", "--address", str(settings.containerd_socket)])
        # Those that this command has seen running: whichever of them ends later, ended by itself.
        self._seen: list[str] = []

    @property
    def _programs(self) -> Path:
        return build.folder(self._settings.cache)

    def prepare(self) -> None:
        """Build the programs, and make the folders as the person who will use them."""
        self._settings.state.parent.mkdir(parents=True, exist_ok=True)
        build.build(build.KUBERNETES, self._settings.cache, self._console)

    def up(self) -> None:
        """Start what does not run; nothing happens to what does."""
        self.prepare()
        began = time.monotonic()
        with locked(self._lock):
            install(CLUSTER_NEEDS, self._console)
            self._lay_out()
            started = self._start_core()
            # Before the clients start: some of them end when they may not read what they need.
            self._apply_addons()
            for component in components.clients(self._settings, self._programs):
                started += self._ensure(component)
            self._wait_until_usable()
        took = clock(time.monotonic() - began)
        if started:
            self._console.say(f"started {', '.join(started)}; node {self._settings.name} is Ready after {took}")
        else:
            self._console.say(f"cluster {self._settings.name} runs already")

    @property
    def _lock(self) -> Path:
        state = self._settings.state
        return state.with_name(f"{state.name}.lock")

    def _lay_out(self) -> None:
        """Everything that must be there before a component starts."""
        settings = self._settings
        settings.state.mkdir(mode=0o711, parents=True, exist_ok=True)
        host = machine.inspect(settings.state)
        self._forget_earlier_boot(host)
        network.up(settings)
        cgroups.create(settings.name)
        certificates.create(settings)
        kernel.remember(settings.state / "kernel-settings.json")
        state_files.write(settings, host)

    def _forget_earlier_boot(self, host: Host) -> None:
        """Drop what described processes and addresses of pods before this machine was restarted."""
        state = self._settings.state
        boot = state / "boot-id"
        if boot.exists() and boot.read_text() != host.boot_id:
            self._console.say("this machine was restarted: starting the cluster again")
            for stale in ("processes", "containerd/state", "containerd/runc", "cni-addresses"):
                shutil.rmtree(state / stale, ignore_errors=True)
        boot.write_text(host.boot_id)

    def _start_core(self) -> list[str]:
        """Start what the other components need before they can do anything."""
        settings, programs = self._settings, self._programs
        runtime = components.containerd(settings)
        started = [*self._ensure(components.etcd(settings, programs)), *self._ensure(runtime)]
        started += self._ensure(components.api_server(settings, programs))
        self._wait("containerd", self._containers.answers)
        if PAUSE_IMAGE not in self._containers.digests():
            self._load_pause_image()
        self._wait("the API server", lambda: self._kubectl_succeeds("get", "--raw", "/readyz"))
        return started

    def _ensure(self, component: Component) -> list[str]:
        """Let a component run with its present configuration; returns its name if it had to be started."""
        self._seen.append(component.name)
        if self._processes.is_current(component):
            return []
        self._processes.stop(component.name)
        self._console.progress(f"starting {component.name}")
        pid = self._processes.start(component, network.inside(self._settings), self._settings.state)
        cgroups.enter(self._settings.name, pid)
        return [component.name]

    def _load_pause_image(self) -> None:
        repository, tag = PAUSE_IMAGE.rsplit(":", 1)
        program = (self._programs / "pause").read_bytes()
        image = oci.single_program(PAUSE_IMAGE, "pause", program, architecture())
        self._containers.load(lambda archive: archive.write(image), repository, tag)

    def _apply_addons(self) -> None:
        """Apply the add-ons' manifests when they have changed."""
        manifests, applied = self._settings.state / "addons.json", self._settings.state / "addons.applied.json"
        if applied.exists() and applied.read_bytes() == manifests.read_bytes():
            return
        # Right after its first start the API server has not made the namespace kube-system yet.
        self._wait(
            "the add-ons' manifests",
            lambda: self._kubectl_succeeds("apply", "--server-side", "--force-conflicts", "-f", str(manifests)),
        )
        shutil.copyfile(manifests, applied)

    def _wait_until_usable(self) -> None:
        self._wait(f"node {self._settings.name}", self._node_ready)
        self._wait("the name server", lambda: _answers(f"http://{self._settings.addresses.node.ip}:8181/ready"))
        self._wait("the metrics API", lambda: self._condition(f"apiservice/{addons.METRICS_API}", "Available"))

    def _node_ready(self) -> bool:
        # A node that was Ready before a restart still says so: ask its kubelet, too.
        node = self._settings.name
        return self._condition(f"node/{node}", "Ready") and self._kubectl_succeeds(
            "get", "--raw", f"/api/v1/nodes/{node}/proxy/healthz"
        )

    def _condition(self, resource: str, condition: str) -> bool:
        path = f"jsonpath={{.status.conditions[?(@.type=={condition!r})].status}}"
        try:
            return run([*self._admin(), "get", resource, "-o", path], timeout=30) == "True"
        except ClusterError:
            return False

    def _kubectl_succeeds(self, *arguments: str) -> bool:
        return succeeds([*self._admin(), *arguments])

    def _admin(self) -> list[str]:
        return [*self.kubectl(), f"--cache-dir={self._settings.state}/kubectl-cache"]

    def _wait(self, what: str, ready: Callable[[], bool]) -> None:
        """Wait for something, and say at once when a component has died meanwhile."""
        began = time.monotonic()
        while not ready():
            waited = time.monotonic() - began
            self._console.progress(f"waiting for {what}, {clock(waited)} so far")
            for name in self._seen:
                if self._processes.record(name) is None:
                    raise ClusterError(
                        f"{name} ended by itself: {self._last_log(name)} (see {self._processes.log(name)})"
                    )
            if waited > _PATIENCE:
                logs = self._processes.log("kubelet").parent
                raise ClusterError(f"{what} was not ready within {_PATIENCE:.0f} s: look into the logs in {logs}")
            time.sleep(0.1)

    def _last_log(self, name: str) -> str:
        return last_words(self._processes.log(name).read_text(errors="replace")[-4000:], lines=2)

    def down(self) -> None:
        """Stop every process and remove everything but the built programs."""
        settings = self._settings
        with locked(self._lock):
            for name in components.STOP_ORDER:
                self._processes.stop(name)
            for component in components.everything(settings, self._programs):
                self._processes.end_unrecorded(component)
            cgroups.kill(settings.name)
            remove_shim_sockets(settings.state / "containerd" / "state")
            unmount(settings.state)
            network.down(settings)
            cgroups.remove(settings.name)
            kernel.restore(settings.state / "kernel-settings.json")
            remove_traces(settings)
            shutil.rmtree(settings.state, ignore_errors=not settings.state.exists())
            self._lock.unlink()
        self._console.say(f"cluster {settings.name} is gone; the built programs stay in {self._programs}")

    def is_up(self) -> bool:
        """Whether all components run and the API server answers."""
        alive = all(self._processes.record(name) for name in components.STOP_ORDER)
        return alive and self._kubectl_succeeds("get", "--raw", "/readyz")

    def status(self) -> list[str]:
        """One line a component."""
        lines = [f"cluster {self._settings.name}, state in {self._settings.state}"]
        for name in reversed(components.STOP_ORDER):
            record = self._processes.record(name)
            lines.append(f"{name:<24} {f'process {record.pid}' if record else 'not running'}")
        with contextlib.suppress(OSError, ValueError):
            images: dict[str, str] = json.loads(self._settings.image_references.read_text())
            lines += [f"{name:<24} {reference}" for name, reference in images.items()]
        return lines

    def kubeconfig(self) -> Path:
        """Path of the administrator's file."""
        return self._settings.kubeconfig

    def kubectl(self) -> list[str]:
        """The kubectl that was built with the cluster."""
        return [str(self._programs / "kubectl"), f"--kubeconfig={self._settings.kubeconfig}"]

    def image(self, repository: str, tag: str) -> str | None:
        """Ask containerd."""
        return self._containers.reference(repository, tag)

    def take_image(self, image: BuiltImage) -> str:
        """Import it into containerd, leaving out the layers that are there."""
        present = self._containers.blobs()
        return self._containers.load(lambda archive: image.write(archive, present), image.repository, image.tag)


def _answers(url: str) -> bool:
    # The environment may name a proxy, which knows nothing of this address.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=2) as response:
            return bool(response.status == 200)
    except OSError:
        return False
