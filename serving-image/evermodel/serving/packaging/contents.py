"""What an application consists of: models, the code that serves them, a setting, and what runs it in a container.

```
api/                   `python -m api`: Evermodel's server with the setting
conf/setting.toml      what is served, and how
model/models/VERSION/  the artifact's files
lib/                   Evermodel itself, as it was when the application was written
requirements.txt       the libraries of Evermodel's image, locked with their hashes
Dockerfile docker-compose.yml .dockerignore README.md
```
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import evermodel
import evermodel_api
from evermodel.artifact.manifest import MANIFEST
from evermodel.artifact.store import absolute_uri, read_artifact
from evermodel.errors import RunError
from evermodel.serving.engine import load_served_model
from evermodel.serving.hosting import Named
from evermodel.serving.limits import STANDARD
from evermodel.serving.packaging.readme import readme

PORT = 5050
_AS_THEY_ARE = {
    "Dockerfile": "Dockerfile",
    "dockerignore": ".dockerignore",
    "api/__init__.py": "api/__init__.py",
    "api/__main__.py": "api/__main__.py",
    "api/healthy.py": "api/healthy.py",
}


@dataclass(frozen=True)
class Packaged:
    """A version in an application."""

    model: str
    version: str
    digest: str
    path: str
    """Its folder, from that of the application."""
    algorithm: str
    example: str
    """Values of a golden row by position; empty where it has none."""
    answer: str
    """What it answers to them, as JSON."""


def asset(name: str) -> str:
    """A file that applications get."""
    return files("evermodel.serving.packaging").joinpath("assets", name).read_text("utf-8")


def write_contents(folder: Path, found: Sequence[Named], as_of: Mapping[str, str]) -> list[Packaged]:
    """Write an application into an empty folder; each model is verified, and asked its golden rows where it now lies.

    `as_of` has the moment up to which the data of a version reaches, by its name, where it is known.

    Raises:
        RunError: a model cannot be read or served, or the installation lacks a file.
        OSError: the folder cannot be written.
    """
    packaged = [_write_model(folder, named) for named in found]
    for package in (evermodel, evermodel_api):
        source = Path(str(package.__file__)).parent
        ignored = shutil.ignore_patterns("__pycache__", "requirements.txt", ".*")
        shutil.copytree(source, folder / "lib" / source.name, ignore=ignored)
    texts = {target: asset(name) for name, target in _AS_THEY_ARE.items()}
    texts["requirements.txt"] = locked_requirements()
    texts["conf/setting.toml"] = setting_text(packaged, as_of)
    texts["docker-compose.yml"] = asset("docker-compose.yml").replace("@NAME@", packaged[0].model.lower())
    texts["README.md"] = readme(packaged)
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    return packaged


def _write_model(folder: Path, named: Named) -> Packaged:
    model, version, uri, digest = named
    artifact = read_artifact(uri, digest)
    path = f"model/models/{version}"
    target = folder / path
    target.mkdir(parents=True)
    for name, content in {**artifact.contents, MANIFEST: artifact.manifest.encode()}.items():
        (target / name).write_bytes(content)
    served = load_served_model(model, version, absolute_uri(str(target)), artifact.manifest.digest)
    golden = served.documents.golden
    row = golden.rows[0] if golden.rows else []
    return Packaged(
        model=model,
        version=version,
        digest=artifact.manifest.digest,
        path=path,
        algorithm=artifact.manifest.estimator,
        example=",".join("" if cell is None else str(cell).replace(",", "%2C") for cell in row),
        answer=json.dumps(golden.predictions[0]) if golden.rows else "",
    )


def setting_text(packaged: Sequence[Packaged], as_of: Mapping[str, str]) -> str:
    """The setting, with a comment on every field."""
    text = asset("setting.toml")
    for mark, value in {
        "@PORT@": PORT,
        "@MAX_BODY_MIB@": STANDARD.body_bytes >> 20,
        "@MAX_ROWS@": STANDARD.rows,
    }.items():
        text = text.replace(mark, str(value))
    return text + "".join(_model_text(one, as_of.get(one.version)) for one in packaged)


def _model_text(one: Packaged, as_of: str | None) -> str:
    fields = {"name": one.model, "version": one.version, "path": one.path, "digest": one.digest, "as_of": as_of}
    lines = [f'{name} = "{value}"' for name, value in fields.items() if value]
    return "\n".join(["", "[[models]]", *lines, ""])


def locked_requirements() -> str:
    """The libraries of Evermodel's image, locked with their hashes.

    Raises:
        RunError: `InstallationIncomplete`.
    """
    package = Path(str(evermodel.__file__)).parent
    root = package.parent.parent  # of the repository, or of an application
    for place in (package / "requirements.txt", root / "requirements" / "serving.txt", root / "requirements.txt"):
        if place.is_file():
            return place.read_text("utf-8")
    text = f"{package} has no requirements.txt, which applications are made with; install Evermodel from its wheel"
    raise RunError("InstallationIncomplete", text)
