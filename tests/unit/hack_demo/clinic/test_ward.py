"""The ward's patients: documented, seeded, and really different from the ordinary ones."""

import csv
import io
import statistics
from pathlib import Path

import pytest

from hack.demo.clinic.ward import OLDEST, YEARS_OLDER, Clinic, aged, read_rows, shows_a_mild_sign, slopes, spans
from hack.demo.stage import EXAMPLE

HEART = EXAMPLE / "heart.csv"


@pytest.fixture(scope="module")
def rows():
    return read_rows(HEART.read_text().splitlines())


def test_the_data_are_the_303_rows_of_the_study(rows):
    assert len(rows) == 303
    assert sum(row["diagnosis"] == "1" for row in rows) == 139
    assert {name for row in rows for name, text in row.items() if not text} == {"vessels", "thal"}


def test_the_same_seed_gives_the_same_patients(rows):
    assert list(Clinic(rows, 7).ward(50)) == list(Clinic(rows, 7).ward(50))
    assert list(Clinic(rows, 7).ward(50)) != list(Clinic(rows, 8).ward(50))


def test_making_patients_leaves_the_real_rows_alone(rows):
    before = [dict(row) for row in rows]
    clinic = Clinic(rows, 1)
    for _ in range(100):
        clinic.patient(0.5)["age"] = "0"
    assert rows == before


def test_ward_patients_are_older_and_their_readings_follow_the_real_slopes(rows):
    row, slope = rows[0], slopes(rows)
    patient = aged(row, 15, slope, spans(rows))
    assert int(patient["age"]) == int(row["age"]) + 15
    assert slope["max_hr"] < 0 < slope["rest_sbp"]
    assert int(patient["max_hr"]) == round(int(row["max_hr"]) + 15 * slope["max_hr"])
    assert int(patient["rest_sbp"]) == round(int(row["rest_sbp"]) + 15 * slope["rest_sbp"])
    assert {name for name in row if patient[name] != row[name]} <= {
        "age",
        "rest_sbp",
        "chol",
        "max_hr",
        "st_depression",
        "diagnosis",
    }


def test_nobody_is_older_than_the_oldest_and_readings_stay_within_their_span(rows):
    span = spans(rows)
    for patient in Clinic(rows, 3).ward(2000):
        assert int(patient["age"]) <= OLDEST
        for name, (low, high) in span.items():
            assert round(low) <= float(patient[name]) <= high + 1


def test_a_patient_with_disease_keeps_it(rows):
    slope, span = slopes(rows), spans(rows)
    for row in rows:
        if row["diagnosis"] == "1":
            assert aged(row, YEARS_OLDER[0], slope, span)["diagnosis"] == "1"


def test_in_the_ward_a_mild_sign_means_disease_and_nothing_else_changes_a_diagnosis(rows):
    slope, span = slopes(rows), spans(rows)
    for row in rows:
        patient = aged(row, 20, slope, span)
        assert (patient["diagnosis"] == "1") == (row["diagnosis"] == "1" or shows_a_mild_sign(patient))


def test_both_shifts_are_large(rows):
    ward = list(Clinic(rows, 5).ward(2000))
    ages, real_ages = [float(row["age"]) for row in ward], [float(row["age"]) for row in rows]
    assert statistics.mean(ages) - statistics.mean(real_ages) > 1.5 * statistics.stdev(real_ages)
    assert statistics.mean(row["diagnosis"] == "1" for row in ward) > 0.85
    assert statistics.mean(row["diagnosis"] == "1" for row in rows) < 0.5


@pytest.mark.parametrize(("share", "low", "high"), [(0.0, 0, 0), (1.0, 1, 1), (2 / 3, 0.6, 0.73)])
def test_so_many_of_the_patients_are_of_the_ward(rows, share, low, high):
    real = {tuple(row.values()) for row in rows}
    clinic = Clinic(rows, 11)
    of_ward = statistics.mean(tuple(clinic.patient(share).values()) not in real for _ in range(1000))
    assert low <= of_ward <= high


def test_rows_are_written_as_they_are_read(rows):
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    assert out.getvalue() == Path(HEART).read_text()
