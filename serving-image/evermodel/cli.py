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
