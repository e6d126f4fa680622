"""kubectl as a function: arguments in, text or JSON out."""

from __future__ import annotations

import json
import shlex
import subprocess
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

Object = dict[str, Any]
"""A Kubernetes object as plain JSON."""


class KubectlError(Exception):
    """kubectl refused: the command and what it said."""


class Kubectl:
    """kubectl in one namespace of one cluster."""

    def __init__(self, command: Sequence[str], namespace: str) -> None:
        """`command` is the program with what it needs to find the cluster."""
        self._command = [*command, "--namespace", namespace]
        self.namespace = namespace

    def __call__(self, *arguments: str, text: str | None = None, timeout: float = 60) -> str:
        """What kubectl prints; `text` is its standard input, `timeout` in seconds.

        Raises:
            KubectlError: it failed or took too long.
        """
        shown = shlex.join(["kubectl", *arguments])
        try:
            done = subprocess.run(
                [*self._command, *arguments], input=text, capture_output=True, text=True, timeout=timeout, check=False
            )
        except subprocess.TimeoutExpired:
            raise KubectlError(f"`{shown}` did not end within {timeout:.0f} s") from None
        if done.returncode != 0:
            raise KubectlError(f"`{shown}` failed: {' '.join(done.stderr.split())}")
        return done.stdout

    def get(self, kinds: Iterable[str]) -> list[Object]:
        """All objects of these kinds."""
        return list(json.loads(self("get", ",".join(kinds), "--output", "json"))["items"])

    def apply(self, objects: Iterable[Object]) -> None:
        """Make the objects as they are given."""
        self("apply", "--filename", "-", text=json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)}))

    def read(self, path: Path) -> list[Object]:
        """The objects of a YAML file, which nothing in the standard library can read."""
        text = self("create", "--dry-run=client", "--output", "json", "--filename", str(path))
        decoder, position = json.JSONDecoder(), 0
        objects: list[Object] = []
        while position < len(text.rstrip()):
            document, end = decoder.raw_decode(text, position)
            objects += document["items"] if document["kind"] == "List" else [document]
            position = end + 1
        return objects

    def follow(self, *arguments: str) -> subprocess.Popen[str]:
        """A kubectl process whose lines are read while it runs."""
        return subprocess.Popen(
            [*self._command, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            text=True,
        )
