"""What trial number i is: a pure function of the plan and the results of the trials 0..i-lag.

The first trials are the algorithms as they are written. Then the algorithm is a parameter like others, and its own
parameters follow from it. Trials between i-lag and i are known by what they are and not by how they went: TPE takes
them for bad ones (constant liar), so that trials of the same moment look at different places.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from itertools import zip_longest
from random import Random
from typing import Any

from evermodel.training.ledger import Trial
from evermodel.training.search.plan import Plan
from evermodel.training.search.space import combination, combinations, draw

STARTUP = 8
"""Trials that must have ended before TPE looks at them; until then chance proposes."""
ATTEMPTS = 16
"""How often a proposal that was made before is drawn anew, by chance, before it is taken as it is."""


@dataclass(frozen=True)
class Proposal:
    """What a trial is."""

    algorithm: int
    """Place of the algorithm in the plan."""
    params: dict[str, Any]
    """All parameters that it is given."""
    searched: dict[str, Any]
    """Those of them that the search chose."""


def propose(plan: Plan, number: int, known: Mapping[int, Trial]) -> Proposal:
    """What trial `number` is; `known` has at least the trials 0..number-lag.

    Whatever else `known` has changes nothing.
    """
    return Proposer(plan).propose(number, known)


class Proposer:
    """Proposals of one plan. Remembers those that it made, which saves time and changes nothing."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._made: dict[int, Proposal] = {}

    def propose(self, number: int, known: Mapping[int, Trial]) -> Proposal:
        """As the function `propose`."""
        for earlier in range(number):
            if earlier not in self._made:
                self._made[earlier] = self._recalled(known[earlier]) if earlier in known else self._make(earlier, known)
        if number not in self._made:
            self._made[number] = self._make(number, known)
        return self._made[number]

    def _recalled(self, trial: Trial) -> Proposal:
        names = [algorithm.name for algorithm in self._plan.algorithms]
        return Proposal(names.index(trial.algorithm), trial.params, trial.searched)

    def _make(self, number: int, known: Mapping[int, Trial]) -> Proposal:
        plan = self._plan
        written = len(plan.algorithms)
        if number < written:
            return Proposal(number, dict(plan.algorithms[number].params), {})
        if plan.grids is not None:
            return self._with(*self._laid_out[number - written])
        earlier = [self._made[i] for i in range(number)]
        taken = {_identity(proposal.algorithm, proposal.searched) for proposal in earlier[written:]}
        ended = [known[i] for i in range(number - plan.lag + 1)]
        seeds = [_seed(plan.seed, number, attempt) for attempt in range(ATTEMPTS)]
        drawn = self._by_chance(seeds[0])
        if plan.tuning.sampler == "TPE" and len(ended) >= STARTUP:
            from evermodel.training.search.tpe import draw_by_tpe  # noqa: PLC0415  Optuna takes long to import

            drawn = draw_by_tpe(plan, earlier, ended, seeds[0])
        for seed in seeds[1:]:
            if _identity(*drawn) not in taken:
                break
            drawn = self._by_chance(seed)
        return self._with(*drawn)

    def _by_chance(self, seed: int) -> tuple[int, dict[str, Any]]:
        chance = Random(seed)  # noqa: S311  it has to be repeatable, not secret
        algorithm = chance.choice(self._plan.searched)
        search = self._plan.algorithms[algorithm].search
        return algorithm, {name: draw(values, chance) for name, values in search.items()}

    def _with(self, algorithm: int, searched: dict[str, Any]) -> Proposal:
        return Proposal(algorithm, {**self._plan.algorithms[algorithm].params, **searched}, searched)

    @cached_property
    def _laid_out(self) -> list[tuple[int, dict[str, Any]]]:
        """The grid, one combination of each algorithm after the other, so that maxTrials cuts none of them off."""
        room = max(self._plan.tuning.max_trials - len(self._plan.algorithms), 0)
        columns = []
        for algorithm, grid in zip(self._plan.searched, self._plan.grids or (), strict=True):
            chance = Random(_seed(self._plan.seed, algorithm, 0))  # noqa: S311  as above
            chosen = shuffled(combinations(grid), room, chance)
            columns.append([(algorithm, combination(grid, number)) for number in chosen])
        return [cell for row in zip_longest(*columns) for cell in row if cell is not None][:room]


def shuffled(total: int, count: int, chance: Random) -> list[int]:
    """`count` different numbers below `total` in random order; all of them when there are not more."""
    if total <= 4 * count:
        numbers = list(range(total))
        chance.shuffle(numbers)
        return numbers[:count]
    chosen: dict[int, None] = {}
    while len(chosen) < count:
        chosen[chance.randrange(total)] = None
    return list(chosen)


def _identity(algorithm: int, searched: Mapping[str, Any]) -> str:
    return json.dumps([algorithm, searched], sort_keys=True)


def _seed(*parts: int) -> int:
    """32 bits that follow from all parts."""
    return int.from_bytes(sha256(json.dumps(parts).encode()).digest()[:4], "big")
