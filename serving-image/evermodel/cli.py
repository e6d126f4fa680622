"""The `evermodel` command. Each subcommand lives beside what it does and is imported only when it is called."""

import argparse
import importlib
import sys
from collections.abc import Sequence
from typing import Protocol, cast

from evermodel.errors import RunError
from evermodel.native import settle


class Command(Protocol):
    """What a subcommand's module offers."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare its arguments."""

    def run(self, arguments: argparse.Namespace) -> int:
        """Do it; the exit code."""


_COMMANDS = {
    "train": ("evermodel.training.command", "make a model as a ModelTraining says"),
    "runs": ("evermodel.training.runs_command", "list, show and compare what was trained"),
    "reproduce": ("evermodel.training.reproduce_command", "make an old version again, and say whether it is the same"),
    "answer": ("evermodel.training.answer_command", "answer a run's test rows with the champion, in its own image"),
    "serve": ("evermodel.serving.command", "answer requests with models"),
    "package": ("evermodel.serving.packaging.command", "write models as an application that runs without a cluster"),
    "rehearse": ("evermodel.monitoring.rehearsal.command", "let a candidate answer what the live version was asked"),
    "monitor": ("evermodel.monitoring.command", "look for degradation as a DriftMonitor says"),
}


def _command(name: str) -> Command:
    return cast("Command", importlib.import_module(_COMMANDS[name][0]))


def _parser(argv: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="evermodel", description="Keeps machine-learning models alive.")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (_, summary) in _COMMANDS.items():
        subparser = subparsers.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
        if name in argv[:1]:
            _command(name).add_arguments(subparser)
    return parser


settle()


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; 0 done, 3 the data is wrong, 4 the spec is wrong, 1 anything else (2: wrong usage)."""
    argv = sys.argv[1:] if argv is None else argv
    arguments = _parser(argv).parse_args(argv)
    try:
        return _command(arguments.command).run(arguments)
    except RunError as error:
        print(f"evermodel {arguments.command}: {error}", file=sys.stderr)  # noqa: T201  the one sentence that the contract promises
        return int(error.code)
