"""The README of an application: commands that run as they are written."""

from collections.abc import Sequence
from importlib.resources import files
from typing import Protocol


class Described(Protocol):
    """What the README says of a version."""

    @property
    def model(self) -> str:
        """Name that clients use."""

    @property
    def version(self) -> str:
        """Name of the version."""

    @property
    def digest(self) -> str:
        """`sha256:<hex>` of its manifest."""

    @property
    def algorithm(self) -> str:
        """Class of the estimator."""

    @property
    def example(self) -> str:
        """Values of a golden row by position."""

    @property
    def answer(self) -> str:
        """What it answers to them."""


def readme(packaged: Sequence[Described]) -> str:
    """The README."""
    text = files("evermodel.serving.packaging").joinpath("assets", "README.md").read_text("utf-8")
    rows = "\n".join(f"| {one.model} | {one.version} | {one.algorithm} | `{one.digest}` |" for one in packaged)
    marks = {
        "@TITLE@": " and ".join(one.version for one in packaged),
        "@ROWS@": rows,
        "@MODEL@": packaged[0].model,
        "@NAME@": packaged[0].model.lower(),
        "@EXAMPLES@": "\n".join(_example(one) for one in packaged if one.example),
    }
    for mark, value in marks.items():
        text = text.replace(mark, value)
    return text


def _example(one: Described) -> str:
    path = f"/v2/model/{one.model}/{one.example}/prediction".replace(" ", "%20")
    return f"curl 'http://127.0.0.1:5050{path}'    # \"prediction\": {one.answer}"
