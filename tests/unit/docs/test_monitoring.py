"""docs/monitoring.md names every state, every cause and every reason that the decision knows."""

import ast
import re
from pathlib import Path

import pytest

from evermodel_api.monitor import Found, State
from evermodel_api.reasons import Reason

ROOT = Path(__file__).parents[3]
GUIDE = (ROOT / "docs" / "monitoring.md").read_text()
ROWS = [line for line in GUIDE.splitlines() if line.startswith("| `")]
DECISION = ROOT / "serving-image/evermodel/monitoring/retraining.py"


def first_cells():
    return {word for row in ROWS for word in re.findall(r"`(\w+)`", row.split("|")[1])}


@pytest.mark.parametrize("word", [*State, *Found])
def test_every_state_and_every_cause_has_a_row(word: str):
    assert str(word) in first_cells()


def test_every_reason_why_nothing_is_asked_for_has_a_row():
    nodes = ast.walk(ast.parse(DECISION.read_text()))
    given = {
        str(Reason[n.attr])
        for n in nodes
        if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name) and n.value.id == "Reason"
    }
    assert given
    assert given <= first_cells()
