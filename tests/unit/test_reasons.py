"""Reasons are a contract: every one that the code gives is documented, and every documented one is given."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from evermodel_api.reasons import CONDITION_MEANINGS, ConditionType, Reason

ROOT = Path(__file__).parents[2]
SOURCES = [path for folder in ("operator", "serving-image") for path in sorted((ROOT / folder).rglob("*.py"))]
ERRORS = {"RunError", "DataError", "SpecError", "SourceUnavailableError"}


def given_reasons(path: Path) -> Iterator[str]:
    """First arguments of errors, and members of Reason, in a module."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ERRORS and node.args:
            if isinstance(node.args[0], ast.Constant):
                yield str(node.args[0].value)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Reason":
            yield str(Reason[node.attr])


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_reason_that_is_given_is_documented(path: Path):
    unknown = set(given_reasons(path)) - {str(reason) for reason in Reason}
    assert not unknown, f"add them to evermodel_api/reasons.py: {unknown}"


def test_every_documented_reason_is_given():
    given = {reason for path in SOURCES for reason in given_reasons(path)}
    causes = {"Performance", "Drift"}  # RequestCause, as a cause of a run
    assert {str(reason) for reason in Reason} - given - causes == set()


def test_every_condition_has_a_meaning():
    assert set(CONDITION_MEANINGS) == set(ConditionType)
