"""`python -m hack.install`: puts the operator into a cluster, or takes it out again, with or without Helm.

Helm is used where it is found; else the manifests that were rendered from the same chart are applied, with the two
images written into them.
"""

from __future__ import annotations

import argparse
import copy
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from hack import helm, programs
from hack.generate import INSTALL, NAMESPACE, ROOT, dump

Object: TypeAlias = dict[str, Any]
_REFERENCE = re.compile(
    r"(?:(?P<registry>[^/]*[.:][^/]*|localhost)/)?(?P<repository>[^:@]+)(?::(?P<tag>[\w.-]{1,128}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)
_KEPT = "CustomResourceDefinition"
"""What uninstalling leaves: with the kinds, all that users wrote would go."""


class InstallError(Exception):
    """The operator could not be installed; says why and what to do."""


@dataclass(frozen=True)
class Image:
    """A reference to an image, in the parts that the chart takes."""

    registry: str
    repository: str
    tag: str
    digest: str

    @classmethod
    def parse(cls, reference: str) -> Image:
        """Read `registry/repository:tag@digest`; tag or digest must be there.

        Raises:
            InstallError: it is no such reference.

        """
        match = _REFERENCE.fullmatch(reference)
        if match is None or not (match["tag"] or match["digest"]):
            raise InstallError(f"{reference} names no exact image: write NAME:TAG or NAME@sha256:DIGEST")
        return cls(match["registry"] or "", match["repository"], match["tag"] or "", match["digest"] or "")

    def __str__(self) -> str:
        """As a container takes it: a digest wins over a tag, as in the chart."""
        name = f"{self.registry}/{self.repository}" if self.registry else self.repository
        return f"{name}@{self.digest}" if self.digest else f"{name}:{self.tag}"

    def values(self, key: str) -> list[str]:
        """Arguments for Helm that set these values."""
        parts = {"registry": self.registry, "repository": self.repository, "tag": self.tag, "digest": self.digest}
        return [f"--set-string={key}.{part}={text}" for part, text in parts.items()]


@dataclass(frozen=True)
class Choice:
    """What the installer decides here."""

    operator: Image
    runtime: Image
    pull_policy: str = "IfNotPresent"

    def values(self) -> list[str]:
        """Arguments for Helm."""
        policies = [f"--set-string={key}.pullPolicy={self.pull_policy}" for key in ("image", "runtimeImage")]
        return [*self.operator.values("image"), *self.runtime.values("runtimeImage"), *policies]


def substituted(manifests: list[Object], choice: Choice) -> list[Object]:
    """The rendered manifests with other images and another pull policy.

    Raises:
        InstallError: the manifests have no Deployment or no settings.

    """
    result = copy.deepcopy(manifests)
    found = set()
    for manifest in result:
        if manifest["kind"] == "Deployment":
            container = manifest["spec"]["template"]["spec"]["containers"][0]
            container |= {"image": str(choice.operator), "imagePullPolicy": choice.pull_policy}
            # Settings that changed must reach the process: it reads them once.
            annotations = manifest["spec"]["template"]["metadata"]["annotations"]
            annotations["checksum/settings"] = f"{choice.runtime} {choice.pull_policy}"
            found.add("Deployment")
        if manifest["kind"] == "ConfigMap":
            settings = yaml.safe_load(manifest["data"]["settings.yaml"])
            settings |= {"runtimeImage": str(choice.runtime), "imagePullPolicy": choice.pull_policy}
            manifest["data"]["settings.yaml"] = dump(settings)
            found.add("ConfigMap")
    if found != {"Deployment", "ConfigMap"}:
        raise InstallError(f"{INSTALL} lacks the operator's Deployment or its settings: run make generate")
    return result


@dataclass(frozen=True)
class Installer:
    """Does it, with the programs that are there."""

    kubectl: Path
    kubeconfig: str
    program: Path | None
    """Helm, where it is used."""

    def install(self, choice: Choice, timeout: int) -> str:
        """Install or upgrade, wait until the operator is ready, and say what was done.

        Raises:
            InstallError: the cluster refused, or the operator is not ready in time.

        """
        if self.program is not None:
            self._kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", given=dump(NAMESPACE))
            command = [str(self.program), "upgrade", "--install", helm.RELEASE, str(helm.CHART)]
            self._run([*command, *self._where(), *self._taking_over(), *choice.values()])
            done = f"installed by {self.program}"
        else:
            manifests = substituted(rendered(), choice)
            self._kubectl("apply", "--server-side", "--force-conflicts", "-f", "-", given=dump(*manifests))
            done = f"installed from {INSTALL} (no Helm here)"
        rollout = ["rollout", "status", f"deployment/{helm.RELEASE}", "-n", helm.NAMESPACE, f"--timeout={timeout}s"]
        try:
            self._kubectl(*rollout)
        except InstallError as error:
            raise InstallError(f"the operator is not ready after {timeout} s: {error}. {self._last_words()}") from None
        return f"{done}: operator {choice.operator}, runtime {choice.runtime}"

    def uninstall(self) -> str:
        """Remove the operator and keep the kinds, and with them what users wrote; say what was done.

        Raises:
            InstallError: the cluster refused.

        """
        if self.program is not None and self._released():
            self._run([str(self.program), "uninstall", helm.RELEASE, *self._where()])
            self._kubectl("delete", "--ignore-not-found", "-f", "-", given=dump(NAMESPACE))
            return f"uninstalled by {self.program}; the four kinds and their objects are kept"
        removed = [manifest for manifest in rendered() if manifest["kind"] != _KEPT]
        self._kubectl("delete", "--ignore-not-found", "-f", "-", given=dump(*removed))
        return f"removed what {INSTALL} made; the four kinds and their objects are kept"

    def _taking_over(self) -> list[str]:
        """What lets Helm go on from kinds that kubectl applied: they outlive every release."""
        version = self._run([str(self.program), "version", "--short"])
        # Helm 4 applies on the server, where fields have owners; Helm 3 does not know the flag.
        return ["--take-ownership", *(["--force-conflicts"] if version.startswith("v4") else [])]

    def _released(self) -> bool:
        listed = self._run([str(self.program), "list", *self._where(), "--short"])
        return helm.RELEASE in listed.split()

    def _where(self) -> list[str]:
        return ["--namespace", helm.NAMESPACE, "--kubeconfig", self.kubeconfig]

    def _last_words(self) -> str:
        """What a pod waits for, as an image that cannot be pulled; else what the operator said last."""
        waiting = "jsonpath={.items[*].status.containerStatuses[*].state.waiting.message}"
        pods = ["-n", helm.NAMESPACE, "--selector=app.kubernetes.io/component=operator"]
        try:
            words = self._kubectl("get", "pods", *pods, "-o", waiting) or self._kubectl("logs", *pods, "--tail=3")
        except InstallError as error:
            words = str(error)
        return f"Its last words: {' '.join(words.split()) or 'none'}"

    def _kubectl(self, *arguments: str, given: str | None = None) -> str:
        return self._run([str(self.kubectl), *arguments, f"--kubeconfig={self.kubeconfig}"], given=given)

    def _run(self, command: list[str], *, given: str | None = None) -> str:
        result = subprocess.run(command, input=given, check=False, capture_output=True, text=True, timeout=900)
        if result.returncode != 0:
            said = " ".join((result.stderr or result.stdout).split())
            raise InstallError(f"`{Path(command[0]).name} {command[1]}` failed: {said}")
        return result.stdout


def rendered() -> list[Object]:
    """The manifests that were rendered from the chart with its default values."""
    return list(yaml.safe_load_all((ROOT / INSTALL).read_text()))


def main(arguments: list[str] | None = None) -> int:
    """Install or uninstall, and print what was done."""
    parser = argparse.ArgumentParser(prog="python -m hack.install", description="Install the operator into a cluster.")
    parser.add_argument("--kubeconfig", required=True, help="access to the cluster, as an administrator")
    parser.add_argument("--kubectl", type=Path, default=programs.find("kubectl"), help="path of kubectl")
    parser.add_argument("--helm", type=Path, default=programs.find("helm"), help="path of Helm (3.17 or newer)")
    parser.add_argument("--no-helm", action="store_true", help="use the rendered manifests even where Helm is found")
    parser.add_argument("--operator-image", help="NAME:TAG or NAME@sha256:DIGEST")
    parser.add_argument("--runtime-image", help="NAME:TAG or NAME@sha256:DIGEST")
    parser.add_argument("--pull-policy", default="IfNotPresent", choices=["Always", "IfNotPresent", "Never"])
    parser.add_argument("--timeout", type=int, default=180, help="seconds to wait for the operator")
    parser.add_argument("--uninstall", action="store_true", help="remove the operator, keep the kinds")
    options = parser.parse_args(arguments)
    if not options.uninstall and not (options.operator_image and options.runtime_image):
        parser.error("--operator-image and --runtime-image say what to install")
    if options.kubectl is None:
        parser.error("kubectl is not on the PATH: name it with --kubectl, or run make cluster, which builds it")
    installer = Installer(options.kubectl, options.kubeconfig, None if options.no_helm else options.helm)
    try:
        print(installer.uninstall() if options.uninstall else installer.install(_choice(options), options.timeout))
    except InstallError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _choice(options: argparse.Namespace) -> Choice:
    return Choice(Image.parse(options.operator_image), Image.parse(options.runtime_image), options.pull_policy)


if __name__ == "__main__":
    sys.exit(main())
