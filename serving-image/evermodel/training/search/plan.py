"""What is searched: fixed before the first trial, the same for every worker, however many there are."""

from dataclasses import dataclass
from functools import cached_property

from evermodel.metrics import DEFAULT_METRICS
from evermodel.training.search.space import combinations, every, places
from evermodel_api.training import Algorithm, CrossValidation, Metric, Overfit, TrainingSpec, Tuning

LAG_SHARE = 5
"""The lag is this part of all trials: the fewer there are, the sooner they have to learn from each other."""
LAG_BOUNDS = (8, 256)
"""At least so many that four workers seldom wait; at most so many that 256 workers have work."""

Grid = dict[str, list[object]]


@dataclass(frozen=True)
class Plan:
    """A search."""

    algorithms: tuple[Algorithm, ...]
    """As the spec lists them."""
    tuning: Tuning
    """How they are searched. `workers` and `timeout` have no part in what a trial is."""
    objective: Metric
    """What is made as good as it can be."""
    folds: int
    """Fits of a trial that is not given up."""
    seed: int
    """Seed of the proposals."""
    guard: Overfit | None = None
    """A trial whose training rows are better by more than this is chosen only when there is no other."""

    @cached_property
    def searched(self) -> tuple[int, ...]:
        """Places of the algorithms that have a search."""
        return tuple(number for number, algorithm in enumerate(self.algorithms) if algorithm.search)

    @cached_property
    def lag(self) -> int:
        """Trial i knows the results of the trials 0..i-lag, so that `lag` trials may be computed at a time.

        A fifth of the trials, within bounds: it follows from the spec, and never from the number of workers. Measured
        (tests/bench/search/bench_lag.py) with 60 trials of three algorithms: TPE's distance to the best value there is,
        as a share of that of random search, is 0.2 with a lag of 1, 0.6 with 12 and 0.7 with 24; four workers whose
        trials take differently long work at 0.6 of their speed with a lag of 4, at 0.9 with 12 and at 0.98 with 24.
        """
        low, high = LAG_BOUNDS
        return min(max(self.tuning.max_trials // LAG_SHARE, low), high)

    @cached_property
    def grids(self) -> tuple[Grid, ...] | None:
        """The combinations of each algorithm in `searched` where all are tried, by Grid or since they are so few.

        None where the sampler draws them.
        """
        searches = [self.algorithms[number].search for number in self.searched]
        if self.tuning.sampler == "Grid":
            return tuple({name: places(values) for name, values in search.items()} for search in searches)
        room = self.tuning.max_trials - len(self.algorithms)
        grids: list[Grid] = []
        for search in searches:
            columns = {name: every(values, room) for name, values in search.items()}
            grids.append({name: column for name, column in columns.items() if column is not None})
            if len(grids[-1]) < len(columns):
                return None
        return tuple(grids) if sum(combinations(grid) for grid in grids) <= room else None


def plan_search(spec: TrainingSpec) -> Plan:
    """The search of a spec; one without tuning is searched as `Tuning()` says."""
    validation = spec.validation
    tuning = spec.tuning or Tuning()
    first = (*validation.metrics, *DEFAULT_METRICS[spec.task])[0]
    return Plan(
        algorithms=tuple(spec.algorithms),
        tuning=tuning,
        objective=tuning.objective or first,
        folds=(validation.cv or CrossValidation()).folds,
        seed=spec.run.seed,
        guard=validation.overfit,
    )


def planned_trials(plan: Plan) -> int:
    """How many trials there will be: each algorithm as it is written, then proposals up to maxTrials.

    Fewer when nothing is searched, or when every combination was tried. Each algorithm has its trial, even where
    maxTrials is smaller than their number.
    """
    written = len(plan.algorithms)
    if not plan.searched:
        return written
    room = max(plan.tuning.max_trials - written, 0)
    if plan.grids is None:
        return written + room
    return written + min(room, sum(combinations(grid) for grid in plan.grids))
