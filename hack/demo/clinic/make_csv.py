"""How heart.csv was made: from the table in the PyPI package Orange3 to plain names and plain words.

    pip download --no-deps Orange3 && unzip -j orange3-*.whl Orange/datasets/heart_disease.tab
    python3 -m hack.demo.clinic.make_csv heart_disease.tab manifests/examples/heart/heart.csv

No row is left out, added or reordered, and no number is changed; `?` (a missing value) becomes an empty field.
"""

import csv
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

# Orange writes three header lines: names, kinds, roles.
_HEADER_LINES = 3

COLUMNS = {
    "age": "age",
    "gender": "sex",
    "chest pain": "chest_pain",
    "rest SBP": "rest_sbp",
    "cholesterol": "chol",
    "fasting blood sugar > 120": "fasting_sugar_high",
    "rest ECG": "rest_ecg",
    "max HR": "max_hr",
    "exerc ind ang": "exercise_angina",
    "ST by exercise": "st_depression",
    "slope peak exc ST": "st_slope",
    "major vessels colored": "vessels",
    "thal": "thal",
    "diameter narrowing": "diagnosis",
}
"""Name in the table, name in heart.csv."""

_YES_NO = {"0": "no", "1": "yes"}
WORDS = {
    "chest_pain": {
        "typical ang": "typical",
        "atypical ang": "atypical",
        "non-anginal": "non_anginal",
        "asymptomatic": "asymptomatic",
    },
    "fasting_sugar_high": _YES_NO,
    "rest_ecg": {
        "normal": "normal",
        "left vent hypertrophy": "hypertrophy",
        "ST-T abnormal": "st_t_abnormal",
    },
    "exercise_angina": _YES_NO,
    "st_slope": {"upsloping": "up", "flat": "flat", "downsloping": "down"},
    "thal": {"normal": "normal", "fixed defect": "fixed_defect", "reversable defect": "reversible_defect"},
}
"""Categories whose words change; a word that is not here stops the conversion."""


def _cell(column: str, value: str) -> str:
    if value == "?":
        return ""
    return WORDS[column][value] if column in WORDS else value


def converted(lines: Iterable[str]) -> Iterator[list[str]]:
    """The header and the rows of heart.csv.

    Raises:
        KeyError: a column or a word that the tables above do not know.
    """
    rows = csv.reader(lines, delimiter="\t")
    columns = [COLUMNS[name] for name in next(rows)]
    for _ in range(_HEADER_LINES - 1):
        next(rows)
    yield columns
    for row in rows:
        yield [_cell(column, value) for column, value in zip(columns, row, strict=True)]


def main() -> None:
    """Convert the file that is named first into the one that is named second."""
    source, target = (Path(argument) for argument in sys.argv[1:3])
    with source.open(encoding="utf-8") as table, target.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out, lineterminator="\n").writerows(converted(table))


if __name__ == "__main__":
    main()
