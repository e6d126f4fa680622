"""The S3 server on a free loopback port, over a folder of its own."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from hack.s3 import binary

REGION = "us-east-1"
_START_SECONDS = 30.0


@dataclass(frozen=True)
class S3Server:
    """A running server: buckets are folders of `directory`."""

    directory: Path
    port: int
    key: str
    secret: str
    process: subprocess.Popen[bytes]

    @property
    def endpoint(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def options(self) -> dict[str, str]:
        """What a Secret for a file source holds."""
        return {"key": self.key, "secret": self.secret, "endpoint_url": self.endpoint, "region": REGION}

    @property
    def environment(self) -> dict[str, str]:
        """What a pod's environment holds that uses it as its store."""
        return {
            "AWS_ACCESS_KEY_ID": self.key,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": REGION,
        }

    def make_bucket(self, name: str) -> str:
        """Make a bucket, unless it is there; its URL."""
        (self.directory / "buckets" / name).mkdir(exist_ok=True)
        return f"s3://{name}"

    def stop(self) -> None:
        """End it and remove what it holds."""
        self.process.terminate()
        self.process.wait(timeout=10)
        shutil.rmtree(self.directory)


def start_s3() -> S3Server:
    """Serve a new folder.

    Raises:
        ClusterError: the program cannot be built.
        RuntimeError: it does not answer; with what it said.

    """
    program = binary()
    directory = Path(tempfile.mkdtemp(prefix="evermodel-s3-"))
    buckets, metadata, log = directory / "buckets", directory / "metadata", directory / "server.log"
    buckets.mkdir()
    # What S3 knows of an object lies in its file's extended attributes or, where there are none, beside it: then a
    # reader may see it and the bytes of different moments.
    beside: list[str | Path] = [] if _has_attributes(buckets) else ["--sidecar", metadata]
    metadata.mkdir()
    port, key, secret = _free_port(), "evermodel", secrets.token_hex(16)
    environment = {**os.environ, "ROOT_ACCESS_KEY": key, "ROOT_SECRET_KEY": secret}
    arguments = ["--port", f"127.0.0.1:{port}", "--region", REGION, "--quiet"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [program, *arguments, "posix", *beside, buckets],
            env=environment,
            stdout=output,
            stderr=output,
        )
    server = S3Server(directory, port, key, secret, process)
    try:
        _wait(server, log)
    except BaseException:
        process.kill()
        process.wait()
        shutil.rmtree(directory)
        raise
    return server


def _wait(server: S3Server, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and server.process.poll() is None:
        try:
            with urllib.request.urlopen(server.endpoint, timeout=2):  # noqa: S310 (loopback)
                return
        except urllib.error.HTTPError as answered:  # it answers, if only that nobody may ask without a signature
            answered.close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"the S3 server did not start: {log.read_text(errors='replace')[-2000:]}")


def _has_attributes(folder: Path) -> bool:
    try:
        os.setxattr(folder, "user.evermodel", b"1")
        os.removexattr(folder, "user.evermodel")
    except OSError:
        return False
    return True


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port
