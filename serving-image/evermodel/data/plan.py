"""What the steps of combine need, found out before any row is read."""

from collections.abc import Sequence

from evermodel.data.aggregate import check_aggregate
from evermodel.errors import SpecError
from evermodel_api.training import CombineStep


def step_parts(step: CombineStep, place: str) -> tuple[str, list[str], str]:
    """A step's place in the spec, the names it reads, and the name it makes.

    Raises:
        SpecError: `CombineInvalid` when the step says nothing.
    """
    if step.aggregate is not None:
        return f"{place}.aggregate", [step.aggregate.in_], step.aggregate.out
    if step.join is not None:
        return f"{place}.join", [step.join.left, step.join.right], step.join.out
    if step.union is not None:
        return f"{place}.union", list(step.union.of), step.union.out
    raise SpecError("CombineInvalid", f"{place} has neither aggregate nor join nor union; give it one")


def check_steps(sources: Sequence[str], steps: Sequence[CombineStep]) -> None:
    """Check that each step reads what is there by then, and makes something new.

    Raises:
        SpecError: `CombineInvalid` naming the step, and what is there.
    """
    known = list(sources)
    for i, step in enumerate(steps):
        where, reads, makes = step_parts(step, f"data.combine[{i}]")
        for name in reads:
            if name not in known:
                raise SpecError(
                    "CombineInvalid",
                    f"{where} reads {name!r}, which is neither a source nor made by an earlier step; "
                    f"there is {', '.join(known)}",
                )
        if makes in known:
            raise SpecError("CombineInvalid", f"{where}.out is {makes!r}, which is there already; give it another name")
        if step.aggregate is not None:
            check_aggregate(step.aggregate, where)
        known.append(makes)


def needed(sources: Sequence[str], steps: Sequence[CombineStep]) -> tuple[list[str], list[int]]:
    """Sources, and numbers of the steps, that the result of the last step follows from, in their order."""
    if not steps:
        return list(sources), []
    parts = [step_parts(step, f"data.combine[{i}]") for i, step in enumerate(steps)]
    wanted = {parts[-1][2]}
    kept = []
    for i, (_, reads, makes) in reversed(list(enumerate(parts))):
        if makes in wanted:
            kept.append(i)
            wanted.update(reads)
    return [name for name in sources if name in wanted], kept[::-1]
