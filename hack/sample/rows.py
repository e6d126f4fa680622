"""The rows of the three sources, made from the patients of the heart study by a seed: the same ones each time."""

from __future__ import annotations

import csv
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

HEART = Path(__file__).resolve().parents[2] / "manifests" / "examples" / "heart" / "heart.csv"
BEGAN = datetime(2026, 1, 5, 8, tzinfo=UTC)
SITES = [{"site_id": number, "site": f"clinic {number}", "beds": 40 + 25 * number} for number in range(1, 8)]
"""What the registry knows."""
_SEED = 5
_NUMBERS = ("age", "rest_sbp", "chol", "max_hr", "vessels", "diagnosis")

Row = dict[str, Any]


def patients() -> list[Row]:
    """One row for each patient, and a second one for some whose record was written twice; some wait for a diagnosis."""
    chance = random.Random(_SEED)  # noqa: S311  nothing secret
    with HEART.open(encoding="utf-8", newline="") as file:
        study = [{key: value or None for key, value in row.items()} for row in csv.DictReader(file)]
    rows: list[Row] = []
    for number, read in enumerate(study, 1):
        row: Row = {"patient_id": number, "recorded_at": BEGAN + timedelta(hours=7 * number), **read}
        row |= {name: int(row[name]) for name in _NUMBERS if row[name] is not None}
        row["st_depression"] = float(row["st_depression"])
        row["site_id"] = chance.choice(SITES)["site_id"]
        if chance.random() < 0.05:
            rows.append({**row, "recorded_at": row["recorded_at"] - timedelta(days=1), "max_hr": row["max_hr"] + 3})
        if chance.random() < 0.02:
            row["diagnosis"] = None
        rows.append(row)
    rows[3]["age"] = 190  # somebody mistyped: the schema sets the row aside
    return rows


def labs() -> list[Row]:
    """One to four measurements of each patient's cholesterol, around what the study says."""
    chance = random.Random(_SEED + 1)  # noqa: S311  nothing secret
    rows: list[Row] = []
    for patient in {row["patient_id"]: row for row in patients()}.values():
        for _ in range(chance.randint(1, 4)):
            taken = patient["recorded_at"] - timedelta(days=chance.randint(1, 90))
            rows.append(
                {"patient_id": patient["patient_id"], "taken_at": taken, "chol": patient["chol"] + chance.gauss(0, 8)}
            )
    return rows
