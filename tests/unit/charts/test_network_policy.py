"""What the operator may reach, rendered by the real Helm."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from evermodel_api.runs import PROGRESS_PORT
from evermodel_operator.children.job import training_labels
from hack import helm

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.timeout(900)


def test_the_operator_may_ask_the_pods_of_runs_and_no_others(helm_program: Path):
    manifests = helm.render(helm_program, "--set=networkPolicy.enabled=true")
    (policy,) = [manifest for manifest in manifests if manifest["kind"] == "NetworkPolicy"]
    (rule,) = [rule for rule in policy["spec"]["egress"] if "to" in rule]
    (peer,) = rule["to"]
    assert peer["namespaceSelector"] == {}, "runs are in the namespaces of the models"
    assert peer["podSelector"]["matchLabels"].items() <= training_labels("heart", 1).items()
    assert rule["ports"] == [{"port": PROGRESS_PORT, "protocol": "TCP"}]
