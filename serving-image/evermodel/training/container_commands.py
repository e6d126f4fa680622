"""Container algorithms without a cluster: their rows are fitted by a local command."""

import os
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from evermodel.errors import DataError, SpecError
from evermodel.training.containers import fits_directory
from evermodel_api.training import Algorithm

FITS_VARIABLE = "EVERMODEL_FITS"
"""Names the directory with one directory for each fit."""


def run_commands(algorithms: Sequence[Algorithm], exchange: Path, commands: Mapping[str, str]) -> None:
    """Run the command of each container algorithm.

    Raises:
        SpecError: `InvalidSpec` when a container algorithm has no command, or a command no algorithm.
        DataError: `ContainerModelMissing` when a command fails.
    """
    names = [algorithm.name for algorithm in algorithms if algorithm.container is not None]
    for name in [*(name for name in names if name not in commands), *(name for name in commands if name not in names)]:
        raise SpecError(
            "InvalidSpec",
            f"the container algorithms are {', '.join(names) or 'none'}, and --run-container has to name a command for "
            f"each of them; look at {name!r}",
        )
    for algorithm in algorithms:
        if algorithm.container is None:
            continue
        directory = fits_directory(exchange, algorithm)
        environment = {**os.environ, FITS_VARIABLE: str(directory)}
        done = subprocess.run(shlex.split(commands[algorithm.name]), env=environment, check=False)  # noqa: S603  the user's own
        if done.returncode != 0:
            raise DataError(
                "ContainerModelMissing",
                f"the command of {algorithm.name} ended with {done.returncode}; mend it and train anew",
            )
