import csv

import pytest

from hack.demo.clinic.make_csv import COLUMNS, converted
from hack.demo.stage import EXAMPLE

HEADER = ["\t".join(COLUMNS), "c\td", "\t\tclass"]
FIRST = "63\tmale\ttypical ang\t145\t233\t1\tleft vent hypertrophy\t150\t0\t2.3\tdownsloping\t0\tfixed defect\t0"


def test_a_row_of_the_table_becomes_the_row_that_is_shipped():
    with (EXAMPLE / "heart.csv").open(encoding="utf-8") as shipped:
        expected = [row for row, _ in zip(csv.reader(shipped), range(2), strict=False)]
    assert list(converted([*HEADER, FIRST])) == expected


def test_a_missing_value_becomes_an_empty_field():
    _, row = converted([*HEADER, FIRST.replace("fixed defect", "?")])
    assert row[list(COLUMNS.values()).index("thal")] == ""


def test_a_word_that_is_not_known_stops_the_conversion():
    with pytest.raises(KeyError, match="zebra"):
        list(converted([*HEADER, FIRST.replace("typical ang", "zebra")]))
