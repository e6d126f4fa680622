"""What was found, for people and for programs."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from tests.conformance.requirement import (
    REQUIREMENTS,
    Level,
    NotOfferedError,
    Requirement,
    State,
    ViolationError,
)
from tests.conformance.subject import Subject


@dataclass(frozen=True)
class Result:
    """What became of one check."""

    name: str
    chapter: str
    level: Level
    state: State
    source: str
    sentence: str
    finding: str = ""
    """What the server did instead, or where it says that it does not offer this."""


def examine(subject: Subject) -> list[Result]:
    """Make all checks, one after the other."""
    from tests.conformance import checks  # noqa: F401  registers them

    return [run(requirement, subject) for requirement in REQUIREMENTS.values()]


def run(requirement: Requirement, subject: Subject) -> Result:
    """Make one check. What a check itself trips over (an answer of a form that it did not expect) is a failure too."""
    state, finding = State.PASSED, ""
    try:
        requirement.check(subject)
    except NotOfferedError as reason:
        state, finding = State.NOT_OFFERED, str(reason)
    except ViolationError as violation:
        state, finding = State.FAILED, str(violation)
    except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
        state, finding = State.FAILED, f"an answer of unexpected form: {type(error).__name__}: {error}"
    told = (requirement.name, requirement.chapter, requirement.level, state, requirement.source, requirement.sentence)
    return Result(*told, finding)


def score(results: list[Result], level: Level) -> Counter[State]:
    """How many checks of a level passed, failed, or spoke of what is not offered."""
    return Counter(result.state for result in results if result.level is level)


def chapters(results: list[Result]) -> dict[str, list[Result]]:
    """Results by chapter, in their order."""
    found: dict[str, list[Result]] = {}
    for result in results:
        found.setdefault(result.chapter, []).append(result)
    return found


def table(results: list[Result]) -> str:
    """All results as text: chapters, then what failed, then the score."""
    lines = []
    for chapter, members in chapters(results).items():
        lines.append(f"\n{chapter}")
        for result in members:
            name = result.name.partition(".")[2]
            lines.append(f"  {result.state:<12}{result.level:<5}{name:<22}{result.sentence} [{result.source}]")
            if result.finding:
                lines.append(f"{'':19}-> {result.finding}")
    lines += ["", *(f"{level}: {_counted(score(results, level))}" for level in Level)]
    return "\n".join(lines)


def _counted(counts: Counter[State]) -> str:
    held = counts[State.PASSED] + counts[State.FAILED]
    return (
        f"{counts[State.PASSED]} of {held} passed, {counts[State.FAILED]} failed,"
        f" {counts[State.NOT_OFFERED]} not offered"
    )


def document(results: list[Result], about: dict[str, Any]) -> dict[str, Any]:
    """All results for programs."""
    scores = {level.value: {state.value: score(results, level)[state] for state in State} for level in Level}
    return {**about, "score": scores, "results": [asdict(result) for result in results]}
