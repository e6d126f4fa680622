"""`evermodel answer`: a champion in its own image, beside a run that asks it (docs/design.md)."""

import argparse
import signal
import sys
import time
from pathlib import Path
from types import FrameType

_POLL_SECONDS = 0.2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare its arguments."""
    parser.add_argument("--exchange", required=True, metavar="DIR", help="directory that the two containers share")


def run(arguments: argparse.Namespace) -> int:
    """Answer questions until the pod ends."""
    stopping = False

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal stopping
        del number, frame
        stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    directory = Path(arguments.exchange)
    while not stopping:
        if (directory / "question.json").is_file():
            # Loaded when there is something to answer: most runs never ask, and the container waits beside them.
            from evermodel.training.champion import answer_here  # noqa: PLC0415
            from evermodel.training.exchange import reply  # noqa: PLC0415

            if reply(directory, answer_here):
                sys.stdout.write("evermodel answer: the question of this run was answered\n")
                sys.stdout.flush()
        time.sleep(_POLL_SECONDS)
    return 0
