"""`evermodel package`: write models as an application that runs with no cluster and no store."""

import argparse
import json
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from evermodel.errors import SpecError
from evermodel.serving.hosting import find_named, moments_of
from evermodel.serving.packaging.contents import PORT, Packaged, write_contents
from evermodel.serving.packaging.folder import whole_folder
from evermodel_api.runs import ModelName


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `evermodel package`."""
    parser.add_argument(
        "version",
        nargs="+",
        metavar="VERSION",
        help="version (heart-4), model (heart: its newest one), or directory or URI of an artifact (NAME=DIR names it)",
    )
    parser.add_argument("--store", metavar="DIR", help="artifact store that the versions are in")
    parser.add_argument("--out", metavar="DIR", type=Path, required=True, help="folder to write")
    parser.add_argument(
        "--force", action="store_true", help="write over an application; its logs, keys and certificate stay"
    )
    parser.add_argument("--json", action="store_true", help="print what was written as one JSON document")


def run(arguments: argparse.Namespace) -> int:
    """Write the application.

    Raises:
        RunError: nothing was written.
    """
    found = [find_named(arguments.store, name) for name in arguments.version]
    for model, version, _, _ in found:
        _check_name(model)
        _check_name(version)
    versions = [version for _, version, _, _ in found]
    twice = next((version for version in versions if versions.count(version) > 1), None)
    if twice is not None:
        raise SpecError("WrongUsage", f"{twice} is named twice; name each version once, or write OTHER={twice}")
    with whole_folder(arguments.out, force=arguments.force) as folder:
        packaged = write_contents(folder, found, moments_of(arguments.store, tuple(found)))
    print(_document(arguments.out, packaged) if arguments.json else _sentences(arguments.out, packaged))  # noqa: T201
    return 0


def _check_name(name: str) -> None:
    try:
        TypeAdapter(ModelName).validate_python(name)
    except ValidationError as error:
        text = (
            f"{name[:80]!r} cannot be the name of a model; write NAME=VERSION with at most 63 letters, digits, - and _"
        )
        raise SpecError("WrongUsage", text) from error


def _document(out: Path, packaged: list[Packaged]) -> str:
    models = [
        {"name": one.model, "version": one.version, "digest": one.digest, "path": one.path, "algorithm": one.algorithm}
        for one in packaged
    ]
    return json.dumps({"out": str(out.absolute()), "port": PORT, "models": models})


def _sentences(out: Path, packaged: list[Packaged]) -> str:
    lines = [f"{one.version}  {one.algorithm}  {one.digest}" for one in packaged]
    return "\n".join([*lines, f"{out} is ready: cd {out} && python -m api; its README.md says more"])
