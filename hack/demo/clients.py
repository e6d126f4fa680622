"""The clients' pod, seen from outside: told how to behave, and listened to."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hack.demo.kubectl import Kubectl

POD = "clients"
_PROGRAM = ("/opt/evermodel/bin/python", "-m", "clinic.traffic")
_PAUSE_BEFORE_LISTENING_AGAIN = 1.0


class Clients:
    """Reads the pod's log in the background; `latest` is its last line."""

    def __init__(self, kubectl: Kubectl) -> None:
        self._kubectl = kubectl
        self._over = threading.Event()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self.latest: dict[str, Any] = {}

    def listen(self) -> None:
        """Begin to read the log."""
        self._listener.start()

    def behave(self, *, ward_share: float, rate: float) -> None:
        """Ask about such patients, so many a second (0: as fast as they can)."""
        self._tell("set", "--ward-share", str(ward_share), "--rate", str(rate))

    def end(self) -> None:
        """Let the clients end, and read their last word."""
        self._tell("end")
        self._kubectl("wait", f"pod/{POD}", "--for=jsonpath={.status.phase}=Succeeded", "--timeout=30s")
        self._over.set()
        self.latest = json.loads(self._kubectl("logs", POD, "--tail=1"))

    def _tell(self, *arguments: str) -> None:
        self._kubectl("exec", POD, "--", *_PROGRAM, *arguments)

    def _listen(self) -> None:
        """A log that breaks off is read again from its last line: every line holds all counts."""
        while not self._over.is_set():
            with self._kubectl.follow("logs", "--follow", "--tail=1", POD) as process:
                for line in process.stdout or ():
                    if line.startswith("{") and not self._over.is_set():
                        self.latest = json.loads(line)
            self._over.wait(_PAUSE_BEFORE_LISTENING_AGAIN)
