"""What is known of a set of trees beside its arrays: how it sums, and what becomes of the sums."""

from dataclasses import dataclass, fields
from enum import Enum, StrEnum
from typing import Any, TypeVar

from evermodel.compiled.kernel import ForestFacts, Link, Rounding
from evermodel.compiled.model import DamagedError, Header, integer

_WIDEST = 2**24
"""More features, classes or outputs than this are no model."""
_Plain = TypeVar("_Plain", float, bool, str)


class Finish(StrEnum):
    """What is left to do with the kernel's answers, where a library uses numpy's own functions for it."""

    NONE = "none"
    SOFTMAX = "softmax"
    SOFTMAX_BY_COLUMN = "softmax_by_column"
    """The same, adding up column by column: numpy adds otherwise where a row lies together."""
    EXP = "exp"
    VOTES = "votes"
    """AdaBoost's weighted votes for classes."""
    MEDIAN = "median"
    """AdaBoost's weighted median of the trees' values."""


@dataclass(frozen=True)
class TreesFacts:
    """What is known of a set of trees beside its arrays."""

    features: int
    classes: int
    """0 for a regression."""
    outputs: int
    """Numbers that are summed for each row."""
    link: Link = Link.NONE
    finish: Finish = Finish.NONE
    rounding: Rounding = Rounding.NONE
    divisor: float = 1.0
    """Of the sums: the number of trees of a mean, the sum of the weights of votes."""
    scale: float = 1.0
    """What sigmoids multiply by."""
    single_sums: bool = False
    """Whether sums are in single precision."""
    refuse_missing: bool = False
    refuse_large: bool = False
    unit: str = "value"
    """Scale of the contributions, as `Contributions.scale`; empty where there are none."""


def kernel_facts(facts: TreesFacts, trees: int, depth: int) -> ForestFacts:
    """The facts as the kernel takes them.

    Args:
        facts: of the set.
        trees: how many there are.
        depth: of the deepest, for contributions; 0 where nobody asks for these.
    """
    answers = facts.outputs
    if facts.link is Link.LEAVES:
        answers = trees
    elif facts.link in (Link.SIGMOID, Link.SIGMOID_SINGLE):
        answers = 2 if facts.classes else 1
    return ForestFacts(
        features=facts.features,
        outputs=facts.outputs,
        answers=answers,
        link=facts.link,
        rounding=facts.rounding,
        divisor=facts.divisor,
        scale=facts.scale,
        single_sums=facts.single_sums,
        refuse_missing=facts.refuse_missing,
        refuse_large=facts.refuse_large,
        depth=depth,
    )


def told(facts: TreesFacts) -> Header:
    """The facts as JSON can hold them."""
    values = {field.name: getattr(facts, field.name) for field in fields(facts)}
    return {name: value.name.lower() if isinstance(value, Enum) else value for name, value in values.items()}


def _named(enum: type[Any], header: Header, name: str) -> Any:
    value = header.get(name)
    for member in enum:
        if member.name.lower() == value:
            return member
    raise DamagedError(f"{name} is {str(value)[:40]!r}, which is unknown")


def _typed(kind: type[_Plain], header: Header, name: str) -> _Plain:
    value = header.get(name)
    if not isinstance(value, kind):
        raise DamagedError(f"{name} is {str(value)[:40]!r}, and should be a {kind.__name__}")
    return value


def facts_of(header: Header) -> TreesFacts:
    """The facts of a header, as `told` writes them.

    Raises:
        DamagedError: one is not there, or is something else.
    """
    return TreesFacts(
        features=integer(header, "features", 0, _WIDEST),
        classes=integer(header, "classes", 0, _WIDEST),
        outputs=integer(header, "outputs", 1, _WIDEST),
        link=_named(Link, header, "link"),
        finish=_named(Finish, header, "finish"),
        rounding=_named(Rounding, header, "rounding"),
        divisor=_typed(float, header, "divisor"),
        scale=_typed(float, header, "scale"),
        single_sums=_typed(bool, header, "single_sums"),
        refuse_missing=_typed(bool, header, "refuse_missing"),
        refuse_large=_typed(bool, header, "refuse_large"),
        unit=_typed(str, header, "unit"),
    )
