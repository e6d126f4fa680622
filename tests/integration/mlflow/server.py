"""A real `mlflow server` on loopback, in an environment of its own: all of MLflow does not go with our pandas."""

import importlib.metadata
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.request import Request, urlopen

VERSION = importlib.metadata.version("mlflow-skinny")
"""The server is of the client's release."""
HOME = Path.home() / ".cache" / "evermodel" / f"mlflow-server-{VERSION}"
_QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
_START_SECONDS = 60


class NoServerError(Exception):
    """MLflow cannot be installed here; says why."""


def server_python() -> Path:
    """The Python that has MLflow; it is made once, and kept.

    Raises:
        NoServerError: when no package index can be reached.
    """
    python = HOME / "bin" / "python"
    if not (HOME / "whole").is_file():
        HOME.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f"{HOME.name}.", dir=HOME.parent))
        try:
            _uv("venv", "--clear", "--python", sys.executable, str(made))
            _uv("pip", "install", "--python", str(made / "bin" / "python"), f"mlflow=={VERSION}")
            (made / "whole").touch()
            shutil.rmtree(HOME, ignore_errors=True)
            made.rename(HOME)
        finally:
            shutil.rmtree(made, ignore_errors=True)
    return python


def _uv(*arguments: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "uv", "--quiet", *arguments], capture_output=True, text=True, timeout=600, check=False
    )
    if ran.returncode:
        said = " ".join(ran.stderr.split())[-300:]
        raise NoServerError(f"mlflow {VERSION} cannot be installed for its server: {said}")


@dataclass(frozen=True)
class Server:
    """A server that was started; it may not answer yet."""

    process: "subprocess.Popen[bytes]"
    folder: Path
    port: int

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def wait(self) -> None:
        """Until it answers.

        Raises:
            RuntimeError: with its log when it does not.
        """
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                get(f"{self.url}/health")
            except OSError:
                time.sleep(0.2)
            else:
                return
        raise RuntimeError(f"mlflow server does not answer: {(self.folder / 'server.log').read_text()}")

    def stop(self) -> None:
        """End it and its children."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        shutil.rmtree(self.folder)


def start_server() -> Server:
    """Start it, with a database and a store of its own; do not wait until it answers.

    Raises:
        NoServerError: when MLflow cannot be installed.
    """
    python = server_python()
    folder = Path(tempfile.mkdtemp(prefix="evermodel-mlflow-"))
    port = free_port()
    command = [str(python), "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{folder}/tracking.db", "--serve-artifacts"]
    command += ["--artifacts-destination", str(folder / "artifacts")]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, env={**os.environ, **_QUIET}, stdout=log, stderr=log, start_new_session=True
        )
    return Server(process, folder, port)


def get(url: str, document: object = None) -> bytes:
    """What the server answers; a document is sent as JSON.

    Raises:
        OSError: when it refuses, or cannot be reached.
    """
    body = None if document is None else json.dumps(document).encode()
    request = Request(url, body, {"Content-Type": "application/json"})  # noqa: S310  loopback
    with urlopen(request, timeout=20) as answer:  # noqa: S310
        content: bytes = answer.read()
        return content


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
