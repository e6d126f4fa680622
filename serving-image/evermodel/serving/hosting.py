"""What a server is to serve, found once, and loaded by each of its processes.

Light: the parent of several processes imports this and nothing that loads models.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from evermodel.artifact.records import data_as_of, find_version
from evermodel.serving.spool.place import WITHOUT_OPTIONS, SpoolOptions
from evermodel_api.runs import ServingOrder

if TYPE_CHECKING:
    from evermodel.serving.registry import Hosted

Named = tuple[str, str, str, str | None]
"""Name of a model, name of a version, URI of its artifact, digest of its manifest (None: as it is)."""


@dataclass(frozen=True)
class Ordered:
    """What a pod was told to serve."""

    order: ServingOrder
    spool: SpoolOptions = WITHOUT_OPTIONS

    @property
    def names(self) -> list[tuple[str, str]]:
        """Model and version."""
        return [(self.order.model, self.order.version)]

    def load(self) -> "list[Hosted]":
        """Load it.

        Raises:
            RunError: it cannot be served.
        """
        from evermodel.serving.loading import host_order  # noqa: PLC0415  see above

        return [host_order(self.order, self.spool)]


@dataclass(frozen=True)
class Wanted:
    """What a person named, found in the store: every process of the server serves the same versions."""

    store: str | None
    found: tuple[Named, ...]
    spool: SpoolOptions = WITHOUT_OPTIONS
    as_of: Mapping[str, str] = field(default_factory=dict)
    """The moment up to which the data of a version reaches, by its name, where it is known."""

    @property
    def names(self) -> list[tuple[str, str]]:
        """Models and versions."""
        return [(model, version) for model, version, _, _ in self.found]

    def load(self) -> "list[Hosted]":
        """Load them.

        Raises:
            RunError: one of them cannot be served.
        """
        from evermodel.serving.loading import host_versions  # noqa: PLC0415  see above

        return host_versions(self.store, self.found, self.spool, self.as_of)


def find_named(store: str | None, wanted: str) -> Named:
    """Find what a person named: `VERSION`, `MODEL`, `DIR`, `URI`, or `NAME=` before one of them.

    Raises:
        DataError: `VersionNotFound`.
        RunError: `StoreUnavailable`.
    """
    name, equals, place = wanted.partition("=")
    found = find_version(store, place if equals else wanted)
    version = name if equals else found.name
    model, _, number = version.rpartition("-")
    return (model if model and number.isdigit() else version), version, found.uri, found.digest


def moments_of(store: str | None, found: tuple[Named, ...]) -> dict[str, str]:
    """The moment up to which the data of each version reaches, where the store knows it."""
    moments = {version: data_as_of(store, version) for _, version, _, _ in found} if store else {}
    return {version: moment for version, moment in moments.items() if moment}
