"""The ward of the example: older patients, in whom the same readings mean disease more often.

Every ward patient is made from a real row of heart.csv, drawn with replacement by a seeded generator:

1. Covariate shift. The patient is 12 to 22 years older, and each reading that goes with age (blood pressure,
   cholesterol, heart rate, ST depression) moves by years x slope, where the slope is that of the least-squares line
   through the real rows. Ages end at 95, and readings stay within what the real rows span, a quarter of it wider on
   either side.
2. Concept shift. A patient with disease keeps it. One without is ill after all when the shifted row shows one of the
   milder signs of `shows_a_mild_sign`: an answer that was right for such readings before is wrong in the ward.

    python3 -m hack.demo.clinic.ward manifests/examples/heart/heart.csv --count 600 --seed 7 > ward.csv
"""

from __future__ import annotations

import argparse
import csv
import random
import statistics
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

Row = dict[str, str]
"""One patient as heart.csv writes it: every column by name, missing values empty."""

YEARS_OLDER = (12, 22)
OLDEST = 95
TARGET = "diagnosis"
_DECIMALS = {"rest_sbp": 0, "chol": 0, "max_hr": 0, "st_depression": 1}
"""The readings that go with age, and the decimal places that each is written with."""


def read_rows(lines: Iterable[str]) -> list[Row]:
    """The rows of heart.csv."""
    return list(csv.DictReader(lines))


def slopes(rows: Sequence[Row]) -> dict[str, float]:
    """Change of each reading with one year of age: least squares over the rows."""
    ages = [float(row["age"]) for row in rows]
    return {name: statistics.linear_regression(ages, [float(row[name]) for row in rows]).slope for name in _DECIMALS}


def spans(rows: Sequence[Row]) -> dict[str, tuple[float, float]]:
    """What each reading may be: the span of the real rows, a quarter of it wider on either side, never below zero."""
    found = {}
    for name in _DECIMALS:
        values = [float(row[name]) for row in rows]
        margin = (max(values) - min(values)) / 4
        found[name] = (max(0.0, min(values) - margin), max(values) + margin)
    return found


def shows_a_mild_sign(row: Row) -> bool:
    """Whether the row has one of the signs that mean disease in the ward."""
    return (
        float(row["st_depression"]) >= 0.8
        or float(row["max_hr"]) < 145
        or row["chest_pain"] == "asymptomatic"
        or row["exercise_angina"] == "yes"
        or row["vessels"] not in {"", "0"}
    )


def aged(row: Row, years: int, slope: Mapping[str, float], span: Mapping[str, tuple[float, float]]) -> Row:
    """The same patient so many years later, with the diagnosis that the readings mean in the ward."""
    older = min(int(row["age"]) + years, OLDEST)
    passed = older - int(row["age"])
    patient = {**row, "age": str(older)}
    for name, decimals in _DECIMALS.items():
        low, high = span[name]
        value = min(max(float(row[name]) + passed * slope[name], low), high)
        patient[name] = f"{value:.{decimals}f}"
    ill = row[TARGET] == "1" or shows_a_mild_sign(patient)
    return {**patient, TARGET: "1" if ill else "0"}


class Clinic:
    """An endless row of patients, some of them from the ward. The same rows and seed give the same patients."""

    def __init__(self, rows: Sequence[Row], seed: int) -> None:
        """`rows` are those of heart.csv."""
        self._rows = rows
        self._slopes = slopes(rows)
        self._spans = spans(rows)
        self._random = random.Random(seed)  # noqa: S311  made-up patients, no secrets

    def ordinary_patient(self) -> Row:
        """A real row."""
        return dict(self._random.choice(self._rows))

    def ward_patient(self) -> Row:
        """A patient of the ward, made from a real row."""
        years = self._random.randint(*YEARS_OLDER)
        return aged(self._random.choice(self._rows), years, self._slopes, self._spans)

    def patient(self, ward_share: float) -> Row:
        """The next patient: of the ward with this probability."""
        return self.ward_patient() if self._random.random() < ward_share else self.ordinary_patient()

    def ward(self, count: int) -> Iterator[Row]:
        """So many patients of the ward."""
        return (self.ward_patient() for _ in range(count))


def main() -> None:
    """Write ward patients to standard output, as heart.csv writes its rows."""
    parser = argparse.ArgumentParser(description="Make patients of the ward from the rows of heart.csv.")
    parser.add_argument("rows", type=Path, help="heart.csv")
    parser.add_argument("--count", type=int, default=600, help="how many (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=7, help="same seed, same patients (default: %(default)s)")
    arguments = parser.parse_args()
    rows = read_rows(arguments.rows.read_text(encoding="utf-8").splitlines())
    writer = csv.DictWriter(sys.stdout, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(Clinic(rows, arguments.seed).ward(arguments.count))


if __name__ == "__main__":
    main()
