"""Run another program and wait for it."""

from __future__ import annotations

import contextlib
import shlex
import subprocess
import tempfile
from typing import IO, TYPE_CHECKING

from hack.cluster.errors import ClusterError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path


def succeeds(argv: Sequence[str], *, timeout: float = 30) -> bool:
    """Whether a program is there, ends within the time and ends well."""
    try:
        return subprocess.run(argv, capture_output=True, timeout=timeout, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def run(
    argv: Sequence[str],
    *,
    text: str | None = None,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    timeout: float = 600,
) -> str:
    """Run a program to its end and return what it printed.

    Raises:
        ClusterError: it is missing, failed (with the last thing it said) or took longer than the timeout in seconds.

    """
    shown = shlex.join(argv)
    try:
        done = subprocess.run(
            argv,
            input=text,
            env=dict(environment) if environment is not None else None,
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
    except FileNotFoundError:
        raise ClusterError(f"`{argv[0]}` is not installed, and `{shown}` needs it: install it and run again") from None
    except subprocess.TimeoutExpired:
        raise ClusterError(f"`{shown}` did not end within {timeout:.0f} s: try it by hand to see why") from None
    if done.returncode != 0:
        raise ClusterError(f"`{shown}` failed with status {done.returncode}: {last_words(done.stderr or done.stdout)}")
    return done.stdout


def pipe_into(argv: Sequence[str], write: Callable[[IO[bytes]], object]) -> None:
    """Run a program that reads what `write` writes.

    Raises:
        ClusterError: it is missing or failed.

    """
    shown = shlex.join(argv)
    # Its output goes to a file: two pipes read and written by turns could wait for each other.
    with tempfile.TemporaryFile() as output:
        try:
            process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=output, stderr=output)
        except FileNotFoundError:
            raise ClusterError(
                f"`{argv[0]}` is not installed, and `{shown}` needs it: install it, then repeat"
            ) from None
        # A program that fails closes its end early: its own message says more than the broken pipe.
        with contextlib.suppress(BrokenPipeError):
            assert process.stdin is not None  # noqa: S101 (for the type checker: PIPE was asked for)
            with process.stdin:
                write(process.stdin)
        if process.wait() != 0:
            output.seek(0)
            said = last_words(output.read().decode(errors="replace"))
            raise ClusterError(f"`{shown}` failed with status {process.returncode}: {said}")


def last_words(output: str, lines: int = 3) -> str:
    """The end of what a program said: usually the reason for its failure."""
    spoken = [line.strip() for line in output.splitlines() if line.strip()]
    return " / ".join(spoken[-lines:]) or "it said nothing"
