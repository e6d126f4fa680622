"""Whether every statistic holds its level when nothing changed: 500 seeded draws at sizes from 50 to 50,000.

Run: python -m tests.bench.monitoring.levels [--draws 500] [--alpha 0.05]
"""

import argparse
import sys
from itertools import product

from tests.unit.evermodel.monitoring.statistics.null_draws import (
    LEVELS,
    NUMBERS,
    alarms_of_levels,
    alarms_of_numbers,
    bounds,
)

SIZES = (50, 200, 1000, 10000, 50000)


def tell(line):
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--draws", type=int, default=500)
    arguments.add_argument("--alpha", type=float, default=0.05)
    arguments.add_argument("--reference", type=int, default=5000)
    asked = arguments.parse_args()
    lower, upper = bounds(asked.draws, asked.alpha)
    tell(
        f"{asked.draws} draws, alpha {asked.alpha}: within [{lower:.0f}, {upper:.0f}] alarms; reference {asked.reference}"
    )
    tell("| statistic | rows | p <= alpha | beyond the limit |\n|---|---|---|---|")
    for name, law, size in product(NUMBERS, ("normal", "exponential"), SIZES):
        by_p, by_limit = alarms_of_numbers(name, asked.reference, size, asked.draws, asked.alpha, law)
        tell(f"| {name}, {law} | {size} | {by_p}{'' if by_p <= upper else ' !'} | {by_limit} |")
    for name, size in product(LEVELS, SIZES):
        by_p, by_limit = alarms_of_levels(name, 1000, size, asked.draws, asked.alpha)
        tell(f"| {name}, 4 levels | {size} | {by_p}{'' if by_p <= upper else ' !'} | {by_limit} |")


if __name__ == "__main__":
    main()
