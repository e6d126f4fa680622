"""The whole loop on a real Kubernetes, as `make demo` tells it."""

import pytest

from hack.demo.checks import all_checks

pytestmark = [pytest.mark.loop, pytest.mark.timeout(1200)]


def test_a_model_that_degrades_is_found_retrained_swapped_and_retired(undisturbed):
    assert [f"{check.name}: {check.detail}" for check in all_checks(undisturbed) if not check.passed] == []
