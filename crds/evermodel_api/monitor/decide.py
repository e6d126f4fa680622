"""When the monitor fires and when it calms down."""

from typing import Annotated, ClassVar

from pydantic import Field

from evermodel_api.base import Duration, PositiveDuration, Rule, Schema


class Fire(Schema):
    """How many of the last evaluations must say so."""

    of: Annotated[int, Field(ge=1, le=20)] = 2
    """This many..."""
    in_: Annotated[int, Field(alias="in", ge=1, le=20)] = 3
    """...of the last so many."""
    cel: ClassVar = (Rule("self.of <= self.__in__", "of must not be larger than in, for example {of: 2, in: 3}"),)


class Decide(Schema):
    """When the monitor fires and when it calms down."""

    fire: Fire = Fire()
    """Fires when so many of the last evaluations found degradation."""
    clear: Fire = Fire.model_validate({"of": 3, "in": 3})
    """Calms down when so many of the last evaluations found none."""
    mute: Duration = "0s"
    """After it calmed down it does not fire again for this long: one change that comes in waves is one alarm."""
    forget: PositiveDuration = "1d"
    """When nothing could be judged for this long, earlier evaluations count no more and the state is Unknown."""
