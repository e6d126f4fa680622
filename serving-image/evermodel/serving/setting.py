"""The setting of an application: `conf/setting.toml`, written by `evermodel package`, read by `serve --config`.

Paths in it are relative to the application's folder, which is the one above that of the file.
"""

import tomllib
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from evermodel.artifact.store import absolute_uri
from evermodel.errors import SpecError
from evermodel.serving.hosting import Named
from evermodel_api.base import Digest
from evermodel_api.runs import ModelName

MOST_PROCESSES = 256

Count = Annotated[int, Field(ge=1)]
Folder = Annotated[str, Field(max_length=4096)]
"""A folder; nothing where it is empty."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class ServerSetting(_Part):
    """Where and with how many processes it listens."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 5050
    workers: Annotated[int, Field(ge=1, le=MOST_PROCESSES)] = 1
    drain_seconds: Annotated[float, Field(ge=0, strict=False)] = 5.0


class LimitSetting(_Part):
    """How much one request may hold."""

    max_body_mib: Count = 8
    max_rows: Count = 10_000


class LogSetting(_Part):
    """What is kept of requests."""

    folder: Folder = ""
    """Requests, answers and labels; nothing is kept where it is empty."""
    access: bool = False
    """Whether each request is a line on standard output."""


class GuardSetting(_Part):
    """A folder of keys, or of a certificate."""

    folder: Folder = ""


class ModelSetting(_Part):
    """One version that is served."""

    name: ModelName
    version: ModelName
    path: Annotated[str, Field(min_length=1, max_length=4096)]
    digest: Digest
    as_of: Annotated[str, Field(max_length=40)] | None = None
    """The moment up to which its data reaches, in ISO 8601."""


class Setting(_Part):
    """The whole file."""

    server: ServerSetting = ServerSetting()
    limits: LimitSetting = LimitSetting()
    log: LogSetting = LogSetting()
    keys: GuardSetting = GuardSetting()
    tls: GuardSetting = GuardSetting()
    models: Annotated[list[ModelSetting], Field(min_length=1)]


def read_setting(path: Path) -> Setting:
    """Read the file.

    Raises:
        SpecError: `SettingInvalid`, with the first fault.
    """
    try:
        content: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        sentence = f"the setting {path} cannot be read: {error.strerror}; name the conf/setting.toml of an application"
        raise SpecError("SettingInvalid", sentence) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SpecError("SettingInvalid", f"the setting {path} is no TOML: {error}; correct it") from error
    try:
        return Setting.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "its root"
        said = "there is no such field" if first["type"] == "extra_forbidden" else first["msg"]
        raise SpecError("SettingInvalid", f"the setting {path} is wrong at {place}: {said}; correct it") from error


def application_folder(path: Path) -> Path:
    """The folder of the application whose setting this is."""
    return path.absolute().parent.parent


def named_models(setting: Setting, folder: Path) -> tuple[Named, ...]:
    """What is to be served, each with the digest that its files must have."""
    return tuple((one.name, one.version, absolute_uri(str(folder / one.path)), one.digest) for one in setting.models)


def moments_in(setting: Setting) -> dict[str, str]:
    """The moment up to which the data of each version reaches, where the setting says it."""
    return {one.version: one.as_of for one in setting.models if one.as_of}


def folder_of(part: LogSetting | GuardSetting, folder: Path) -> Path | None:
    """The folder that a part names; None where it names none."""
    return folder / part.folder if part.folder else None
