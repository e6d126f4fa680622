"""What the lag costs and brings: `python -m tests.bench.search.bench_lag` prints what `Plan.lag` was chosen by.

A larger lag lets more workers compute at a time, and lets each proposal know less. Quality is TPE's distance to the
best value of a made function over three algorithms, as a share of the distance of random search; speed is that of
workers who wait for the lag, as a share of that of workers who never wait, with trials that take log-normal times.
"""

# ruff: noqa: T201  what it prints is its answer
import heapq
import math
import os
import random
from statistics import fmean
from typing import Any

from evermodel.training.ledger import Trial
from evermodel.training.search.plan import Plan
from evermodel.training.search.propose import Proposal, Proposer
from evermodel_api.training import Algorithm, Metric, Tuning

LAGS = (1, 4, 8, 12, 16, 24)
SEEDS = range(int(os.environ.get("BENCH_SEEDS", "12")))
ALGORITHMS = tuple(
    Algorithm.model_validate(each)
    for each in (
        {
            "name": "a",
            "estimator": "XGBClassifier",
            "search": {
                "rate": {"float": {"min": 0.01, "max": 1, "log": True}},
                "depth": {"int": {"min": 2, "max": 10}},
                "sample": {"float": {"min": 0.3, "max": 1}},
                "kind": {"choices": ["p", "q", "r"]},
            },
        },
        {
            "name": "b",
            "estimator": "KNeighborsClassifier",
            "search": {"n": {"int": {"min": 1, "max": 50, "log": True}}, "w": {"choices": [True, False]}},
        },
        {
            "name": "c",
            "estimator": "SVC",
            "search": {
                "C": {"float": {"min": 0.001, "max": 1000, "log": True}},
                "gamma": {"float": {"min": 1e-5, "max": 10, "log": True}},
            },
        },
    )
)
BEST = 0.9


def score(proposal: Proposal, best: tuple[float, int, float]) -> float:
    """A smooth function with one best place, in the first algorithm."""
    at: dict[str, Any] = proposal.searched
    if not at:
        return 0.6
    if proposal.algorithm == 0:
        away = 0.3 * (math.log10(at["rate"]) - best[0]) ** 2 + 0.02 * (at["depth"] - best[1]) ** 2
        return BEST - 0.25 * (away + 0.4 * (at["sample"] - best[2]) ** 2 + 0.03 * "pqr".index(at["kind"]))
    if proposal.algorithm == 1:
        return 0.85 - 0.05 * (math.log(at["n"]) - 2) ** 2 - 0.02 * at["w"]
    away = (math.log10(at["C"]) + math.log10(at["gamma"]) + 2) ** 2
    return 0.88 - 0.1 * away / (1 + away)


def distance(trials: int, lag: int, sampler: str, seed: int) -> float:
    """How far the best of the trials is from the best there is."""
    chance = random.Random(seed)
    best = (chance.uniform(-1.8, -0.2), chance.randint(3, 9), chance.uniform(0.4, 0.95))
    plan = Plan(ALGORITHMS, Tuning.model_validate({"max_trials": trials, "sampler": sampler}), Metric.ROC_AUC, 5, seed)
    plan.__dict__["lag"] = lag  # in place of what follows from the number of trials
    proposer, known = Proposer(plan), dict[int, Trial]()
    for number in range(trials):
        proposal = proposer.propose(number, known)
        scores = {"roc_auc": score(proposal, best)}
        known[number] = Trial(
            number=number,
            algorithm=ALGORITHMS[proposal.algorithm].name,
            estimator="",
            params=proposal.params,
            searched=proposal.searched,
            state="Complete",
            scores=scores,
        )
    return BEST - max(trial.scores["roc_auc"] for trial in known.values())


def duration(trials: int, workers: int, lag: int, seed: int) -> float:
    """How long workers take that begin a trial only when it may begin."""
    chance = random.Random(seed)
    takes = [chance.lognormvariate(0, 1) for _ in range(trials)]
    ended: set[int] = set()
    running: list[tuple[float, int]] = []
    begun, now, first = 0, 0.0, 0
    while True:
        while len(running) < workers and begun < min(trials, first + lag):
            heapq.heappush(running, (now + takes[begun], begun))
            begun += 1
        if not running:
            return now
        now, number = heapq.heappop(running)
        ended.add(number)
        while first in ended:
            first += 1


def main() -> None:
    """Measure and print."""
    print(f"seeds 0..{len(SEEDS) - 1}")
    for trials in (30, 60, 120):
        chance = fmean(distance(trials, 1, "Random", seed) for seed in SEEDS)
        shares = {lag: fmean(distance(trials, lag, "TPE", seed) for seed in SEEDS) / chance for lag in LAGS}
        print(f"{trials} trials, distance / random: " + ", ".join(f"lag {n}: {v:.2f}" for n, v in shares.items()))
    for workers in (2, 4, 8):
        free = fmean(duration(60, workers, 60, seed) for seed in range(50))
        speeds = {lag: free / fmean(duration(60, workers, lag, seed) for seed in range(50)) for lag in LAGS}
        print(f"{workers} workers, speed: " + ", ".join(f"lag {n}: {v:.2f}" for n, v in speeds.items()))


if __name__ == "__main__":
    main()
