"""What must hold at the end of the story. Pure: what was seen in, checks out."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hack.demo.world import NAME, World

if TYPE_CHECKING:
    from collections.abc import Iterable

BUDGET_SECONDS = 60.0
RUNS = (1, 2)


@dataclass(frozen=True)
class Check:
    """Something that must hold."""

    name: str
    passed: bool
    detail: str


@dataclass
class Seen:
    """What the story collects while it goes on."""

    world: World = field(default_factory=World)
    """The last look."""
    moments: dict[str, float] = field(default_factory=dict)
    """Seconds since the beginning at which something was first seen."""
    jobs: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Every training Job that was ever seen: run number to uids."""
    versions: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """Every ModelVersion that was ever seen: name to uids."""

    def look(self, world: World) -> None:
        """Take in one look."""
        self.world = world
        for job in world.all("Job", training=NAME):
            self.jobs[job["metadata"]["labels"]["evermodel.dev/run"]].add(job["metadata"]["uid"])
        for version in world.all("ModelVersion"):
            self.versions[version["metadata"]["name"]].add(version["metadata"]["uid"])


def all_checks(seen: Seen) -> list[Check]:
    """Everything that must hold at the end."""
    return [*outcome_checks(seen), *time_checks(seen)]


def outcome_checks(seen: Seen) -> list[Check]:
    """What must hold however long it took."""
    return [
        no_request_failed(seen.world.clients),
        every_answer_named(seen.world.clients),
        one_each("exactly one Job for each run", seen.jobs, [str(run) for run in RUNS]),
        one_each("exactly one ModelVersion for each finished run", seen.versions, [f"{NAME}-{run}" for run in RUNS]),
        stages(seen.world),
    ]


def time_checks(seen: Seen) -> list[Check]:
    """The time budget on two cores."""
    from_verdict = "from the monitor's verdict to the first answer of the new version"
    return [
        within_budget("from kubectl apply to the first prediction", seen.moments, "applied", "first prediction"),
        within_budget(from_verdict, seen.moments, "verdict", "new version"),
    ]


def no_request_failed(clients: dict[str, Any]) -> Check:
    """Every request was answered with status 200 at the first try."""
    requests, failed = clients.get("requests", 0), clients.get("failed", 0)
    last = f"; the last failure: {clients['lastFailure']}" if failed else ""
    return Check("no request failed", requests > 0 and failed == 0, f"{failed} of {requests} failed{last}")


def every_answer_named(clients: dict[str, Any]) -> Check:
    """Header and body of every answer named the same version, and it was one of the two."""
    versions: dict[str, int] = clients.get("versions", {})
    named = ", ".join(f"{count} by {name}" for name, count in sorted(versions.items()))
    expected = {f"{NAME}-{run}" for run in RUNS}
    right = set(versions) == expected and clients.get("unnamed") == 0
    return Check(
        "every answer named the version that gave it", right, f"{named or 'none'}, {clients.get('unnamed', 0)} unnamed"
    )


def one_each(name: str, found: dict[str, set[str]], expected: Iterable[str]) -> Check:
    """Each of the expected was there exactly once, ever, and nothing else was."""
    right = set(found) == set(expected) and all(len(uids) == 1 for uids in found.values())
    return Check(name, right, ", ".join(f"{key}: {len(uids)}" for key, uids in sorted(found.items())) or "none")


def stages(world: World) -> Check:
    """The old version is retired and the new one is the champion."""
    found = {f"{NAME}-{run}": world.status("ModelVersion", f"{NAME}-{run}").get("stage") for run in RUNS}
    right = list(found.values()) == ["Retired", "Champion"]
    detail = ", ".join(f"{name} {stage}" for name, stage in found.items())
    return Check("the old version is retired, the new one is champion", right, detail)


def within_budget(name: str, moments: dict[str, float], begin: str, end: str) -> Check:
    """Two moments were close enough to each other."""
    if begin not in moments or end not in moments:
        missing = ", ".join(moment for moment in (begin, end) if moment not in moments)
        return Check(name, passed=False, detail=f"not seen: {missing}")
    took = moments[end] - moments[begin]
    return Check(name, took < BUDGET_SECONDS, f"{took:.1f} s, budget {BUDGET_SECONDS:.0f} s")
