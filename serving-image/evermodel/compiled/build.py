"""Compiles the kernel next to its source: `python -m evermodel.compiled.build`. Needs a C compiler, and nothing else.

Imports the standard library only: the wheel's build hook runs this file before anything is installed.
"""

import hashlib
import os
import platform
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCE = Path(__file__).with_name("kernel.c")
FLAGS = ("-std=c11", "-O3", "-fPIC", "-shared", "-ffp-contract=off", "-fvisibility=default", "-Wall", "-Wextra")
"""No option that changes sums: the kernel gives the same bits on every processor."""


class BuildError(Exception):
    """The kernel cannot be compiled; the message is a sentence."""


def library_path() -> Path:
    """Where the compiled kernel of this kind of machine lies."""
    return SOURCE.with_name(f"kernel-{platform.system()}-{platform.machine()}.so".lower())


def source_digest() -> str:
    """What the library says that it was made of."""
    return hashlib.sha256(SOURCE.read_bytes()).hexdigest()


def build(compiler: str | None = None) -> Path:
    """Compile the kernel, and put it into its place whole: two may do so at once.

    Args:
        compiler: command of the C compiler; None takes the environment's `CC`, or `cc`.

    Raises:
        BuildError: there is no compiler, or it refuses.
    """
    command = shlex.split(compiler or os.environ.get("CC") or "cc")
    target = library_path()
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".kernel-") as folder:
        made = Path(folder) / target.name
        define = f'-DSOURCE="{source_digest()}"'
        # the name of the source is given without its folder, so that the bytes are the same wherever it is built
        arguments = [*command, *FLAGS, define, "-o", str(made), SOURCE.name, "-lm"]
        try:
            done = subprocess.run(  # noqa: S603  the command is the user's own compiler
                arguments, cwd=SOURCE.parent, capture_output=True, text=True, check=False
            )
        except OSError as error:
            raise BuildError(
                f"the C compiler {command[0]!r} cannot be started ({error.strerror}); install gcc"
            ) from error
        if done.returncode != 0:
            raise BuildError(f"the C compiler {command[0]!r} refuses kernel.c: {done.stderr.strip()[-500:]}")
        made.chmod(0o755)
        made.replace(target)
    return target


def main() -> int:
    """Build, and say where it went."""
    try:
        target = build()
    except BuildError as error:
        sys.stderr.write(f"The kernel was not built: {error}\n")
        return 3
    sys.stdout.write(f"{target.name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
