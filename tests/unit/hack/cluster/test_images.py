"""Images: which are built, in which order, and upon what."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hack.cluster.console import Console
from hack.cluster.images import ON_DEMAND, REPOSITORY, bring, select, tag

if TYPE_CHECKING:
    from pathlib import Path

    from hack.cluster.provider import BuiltImage, Provider


@dataclass
class Machine:
    """Remembers what was built upon what, and has some of it in its cluster."""

    there: set[str] = field(default_factory=set)
    built: list[tuple[str, str | None]] = field(default_factory=list)

    def build(self, repository: str, tag: str, dockerfile: Path, context: Path, base: str | None) -> BuiltImage:
        assert dockerfile.is_relative_to(context)
        self.built.append((f"{repository}:{tag}", base))
        return f"{repository}:{tag}"  # type: ignore[return-value]  # taken below

    def image(self, repository: str, tag: str) -> str | None:
        name = f"{repository}:{tag}"
        return f"{name}@there" if name in self.there else None

    def take_image(self, image: BuiltImage) -> str:
        return f"{image}@taken"


def brought(machine: Machine, *keys: str, base: str | None = "debian") -> dict[str, str]:
    provider: Provider = machine  # type: ignore[assignment]  # the part of one that is needed
    return bring(select(keys), provider, machine, lambda: base, Console(io.StringIO()))


def name_of(key: str, base: str | None) -> str:
    (image,) = select([key])
    return f"{image.repository}:{tag(image, base)}"


def test_an_image_upon_another_is_built_upon_what_that_one_is_now():
    machine = Machine()
    references = brought(machine, "older")
    runtime = name_of("evermodel", "debian")
    assert machine.built == [(runtime, "debian"), (name_of("older", runtime), runtime)]
    assert references == {"older": f"{name_of('older', runtime)}@taken"}


def test_it_is_another_one_when_the_one_below_changes():
    assert name_of("older", name_of("evermodel", "debian")) != name_of("older", name_of("evermodel", "another"))


def test_what_the_cluster_has_is_not_brought_again():
    names = {"evermodel": name_of("evermodel", None), "older": name_of("older", name_of("evermodel", None))}
    machine = Machine(there=set(names.values()))
    assert brought(machine, *names, base=None) == {key: f"{name}@there" for key, name in names.items()}
    assert machine.built == []


def test_what_goes_into_images_on_demand_is_there():
    for image in ON_DEMAND:
        for name in (image.dockerfile, *image.inputs):
            assert (REPOSITORY / name).exists(), name
