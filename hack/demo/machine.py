"""From a bare machine to a cluster with the operator in it: what `make setup`, `make images` and `make install` do."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hack.demo.narrate import Narrator

ROOT = Path(__file__).resolve().parents[2]
VENV_PYTHON = ROOT / ".venv" / "bin" / "python"
_HOURS = 2 * 3600


class MachineError(Exception):
    """A part of the preparation failed; it has said why, or its output is in the message."""


@dataclass(frozen=True)
class Prepared:
    """What the story needs to know."""

    kubectl: tuple[str, ...]
    images: dict[str, str]
    """References by name: evermodel, operator and postgres."""


def prepare(narrator: Narrator) -> Prepared:
    """Make what is missing: .venv, the cluster, the images, the operator.

    Raises:
        MachineError: a part failed.
    """
    narrator.chapter("The machine")
    venv = _Background(["make", f"PYTHON={sys.executable}", "setup"])
    # Compiling a Kubernetes leaves time for the images: unpacking and installing mostly wait for the disk.
    # Only root: sudo could ask for a password, and nobody would see it.
    built = _Background([sys.executable, "-m", "hack.cluster", "images", "--build"]) if os.geteuid() == 0 else None
    _run([sys.executable, "-m", "hack.cluster", "up"])
    narrator.say("the cluster is there")
    if built is not None:
        built.join()
    images = _images()
    narrator.say(f"the images are there: {', '.join(images)}")
    venv.join()
    narrator.say("the virtual environment .venv is there")
    kubeconfig, kubectl = access()
    _run(
        [
            str(VENV_PYTHON), "-m", "hack.install", "--kubeconfig", kubeconfig, "--kubectl", kubectl,
            "--operator-image", images["operator"], "--runtime-image", images["evermodel"],
        ]
    )  # fmt: skip
    narrator.say("the operator is installed and ready")
    return Prepared((kubectl, f"--kubeconfig={kubeconfig}"), images)


def installed() -> Prepared:
    """The cluster and the images of an earlier `prepare`.

    Raises:
        MachineError: there is no cluster.
    """
    kubeconfig, kubectl = access()
    return Prepared((kubectl, f"--kubeconfig={kubeconfig}"), _images())


def access() -> tuple[str, str]:
    """Paths of the kubeconfig and of kubectl.

    Raises:
        MachineError: there is no cluster, or no kubectl.
    """
    from hack import programs  # noqa: PLC0415  the folder that it looks into is made by `hack.cluster up`

    kubectl = programs.find("kubectl")
    if kubectl is None:
        raise MachineError("there is no kubectl: run `make cluster`, which builds one, or put one on the PATH")
    return _output([sys.executable, "-m", "hack.cluster", "kubeconfig"]).strip(), str(kubectl)


def _images() -> dict[str, str]:
    lines = _output([sys.executable, "-m", "hack.cluster", "images"]).splitlines()
    return dict(line.split() for line in lines)


def _run(command: Sequence[str]) -> None:
    """A program whose words go to the terminal."""
    _output(command, capture=False)


def _output(command: Sequence[str], *, capture: bool = True) -> str:
    done = subprocess.run(
        command, cwd=ROOT, check=False, text=True, stdout=subprocess.PIPE if capture else None, timeout=_HOURS
    )
    if done.returncode != 0:
        raise MachineError(f"`{' '.join(command)}` failed with status {done.returncode}; it has said why above")
    return done.stdout or ""


class _Background:
    """A program that works while others do; its words are kept and shown only if it fails."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = command
        self._done: subprocess.CompletedProcess[str] | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        self._done = subprocess.run(
            self._command, cwd=ROOT, check=False, text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=_HOURS,
        )  # fmt: skip

    def join(self) -> None:
        """Wait for its end.

        Raises:
            MachineError: it failed.
        """
        self._thread.join()
        if self._done is None or self._done.returncode != 0:
            said = self._done.stdout if self._done else ""
            raise MachineError(f"`{' '.join(self._command)}` failed: {' '.join(said.split())[-2000:]}")


def main() -> int:
    """Prepare the machine; what `make install` runs."""
    from hack.demo.narrate import Narrator  # noqa: PLC0415  only the command needs it

    try:
        prepare(Narrator(sys.stdout))
    except MachineError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
