"""What the installer decides: one YAML file, written by the Helm chart and read once at the start."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Self

import yaml
from pydantic import Field, ValidationError, model_validator

from evermodel_api.base import Name, Quantity, Schema

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

AccessMode = Literal["ReadWriteOnce", "ReadWriteMany", "ReadWriteOncePod"]
DEFAULT_PATH = Path("/etc/evermodel-operator/settings.yaml")
STORE_MOUNT = "/var/lib/evermodel/store"


class SettingsError(Exception):
    """The settings cannot be used; says where they are wrong and what to write."""


class StoreClaim(Schema):
    """The PersistentVolumeClaim that is made in each namespace that trains, mounted at /var/lib/evermodel/store."""

    name: Name = "evermodel-store"
    """Name of the claim."""
    size: Quantity = "10Gi"
    """How much it asks for."""
    storage_class: str | None = None
    """Its StorageClass; the cluster's default when not given."""
    access_modes: Annotated[tuple[AccessMode, ...], Field(min_length=1)] = ("ReadWriteMany",)
    """ReadWriteMany where pods run on several nodes."""


_SecretName = Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$")]


class StoreCredentials(Schema):
    """Names of Secrets, in the models' namespaces, with which pods use an object store.

    Each has a key `credentials`: a shared credentials file as AWS's tools read it. Pods whose Secret is not named use
    what their node or service account gives them.
    """

    training: _SecretName | None = None
    """May read and write everything."""
    serving: _SecretName | None = None
    """May read artifacts, and write log and feedback."""
    monitoring: _SecretName | None = None
    """May read everything, and write reports."""


class Store(Schema):
    """Where artifacts, logs and reports are kept."""

    uri: Annotated[str, Field(pattern=r"^[a-z][a-z0-9+.-]*://.+")] = f"file://{STORE_MOUNT}"
    """Root of the store, as an fsspec URL."""
    claim: StoreClaim | None = None
    """The volume behind a file:// store; none for an object store."""
    endpoint: Annotated[str, Field(pattern=r"^https?://.+", max_length=2048)] | None = None
    """Where an s3:// store answers; AWS's own when not given."""
    region: Annotated[str, Field(pattern=r"^[a-z0-9-]+$", max_length=63)] | None = None
    """Region of an s3:// store."""
    credentials: StoreCredentials = StoreCredentials()
    """With what pods use an s3:// store. Training may write artifacts, serving only read them."""

    @model_validator(mode="after")
    def _only_s3_has_credentials(self) -> Self:
        given = [self.endpoint, self.region, *self.credentials.dump().values()]
        if any(given) and not self.uri.startswith("s3://"):
            raise ValueError("endpoint, region and credentials belong to an s3:// store: set uri, or leave them out")
        return self

    @model_validator(mode="after")
    def _files_need_a_volume(self) -> Self:
        on_volume = self.uri == f"file://{STORE_MOUNT}" or self.uri.startswith(f"file://{STORE_MOUNT}/")
        if self.claim is not None and not on_volume:
            raise ValueError(f"with claim, uri must be file://{STORE_MOUNT} or below it, where the claim is mounted")
        if self.claim is None and self.uri.startswith("file://"):
            raise ValueError(
                "a file:// store is lost with each pod unless claim gives it a volume: set claim, or another uri"
            )
        return self


class Artifacts(Schema):
    """What may be kept of a model, and loaded again."""

    allow_pickle: bool = False
    """Whether models may be kept as pickles too, and be loaded from them. A pickle can run any code when it is
    loaded: whoever can write the store can then run code in the pods that serve."""


class LeaderElection(Schema):
    """The Lease that keeps two replicas from working at the same time."""

    enabled: bool = True
    """Off only where a single process is certain, as on a developer's machine."""
    namespace: Name | None = None
    """Namespace of the Lease; that of the operator's pod when not given."""
    name: Name = "evermodel-operator"
    """Name of the Lease."""


class Log(Schema):
    """What the operator writes to its standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least that is written."""
    format: Literal["json", "text"] = "json"
    """json: one object a line; text: for people."""


class Ports(Schema):
    """Where the operator listens."""

    health: Annotated[int, Field(ge=1, le=65535)] = 8081
    """Port of /healthz and /readyz."""
    metrics: Annotated[int, Field(ge=1, le=65535)] = 8080
    """Port of /metrics; may be the same."""


class Settings(Schema):
    """Everything that the installer decides."""

    runtime_image: Annotated[str, Field(min_length=1, max_length=512)]
    """The image that training, serving and monitoring pods run."""
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    """As in a container."""
    image_pull_secrets: tuple[Name, ...] = ()
    """Names of Secrets, in the namespaces of the models."""
    store: Store
    """Where artifacts, logs and reports are kept."""
    artifacts: Artifacts = Artifacts()
    """What may be kept of a model."""
    watch_namespaces: tuple[Name, ...] = ()
    """Namespaces that are looked after; all of them when empty."""
    leader_election: LeaderElection = LeaderElection()
    """Who works when there are several replicas."""
    log: Log = Log()
    """What the operator writes."""
    ports: Ports = Ports()
    """Where the operator listens."""
    cluster_domain: Annotated[str, Field(pattern=r"^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$")] = "cluster.local"
    """DNS domain of the cluster."""


def read_settings(path: Path) -> Settings:
    """Read and check the settings.

    Raises:
        SettingsError: when the file cannot be read, is no YAML, or says something that cannot be.
    """
    try:
        document = yaml.safe_load(path.read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"the settings {path} cannot be read ({error}); name the file with --config FILE"
        ) from error
    except yaml.YAMLError as error:
        raise SettingsError(f"the settings {path} are no YAML: {' '.join(str(error).split())}") from error
    try:
        return Settings.model_validate(document if document is not None else {})
    except ValidationError as error:
        raise SettingsError(f"the settings {path} are wrong: {'; '.join(_sentences(error))}") from error


def _sentences(error: ValidationError) -> list[str]:
    return [_sentence(each) for each in error.errors()]


def _sentence(error: ErrorDetails) -> str:
    where = ".".join(str(part) for part in error["loc"]) or "the whole file"
    what = error["msg"].removeprefix("Value error, ")
    says = "" if error["type"] == "missing" or isinstance(error["input"], dict) else f" (it says {error['input']!r})"
    return f"{where}: {what}{says}"
