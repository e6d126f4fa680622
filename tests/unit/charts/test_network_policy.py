"""What the operator may reach, rendered by the real Helm."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from evermodel_api.runs import PROGRESS_PORT
from evermodel_operator.children.job import training_labels
from evermodel_operator.children.serving import serving_labels
from evermodel_operator.labels import COMPONENT
from hack import helm

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.timeout(900)


def test_the_operator_may_ask_the_pods_of_runs_and_serving_pods_and_no_others(helm_program: Path):
    manifests = helm.render(helm_program, "--set=networkPolicy.enabled=true")
    (policy,) = [manifest for manifest in manifests if manifest["kind"] == "NetworkPolicy"]
    (rule,) = [rule for rule in policy["spec"]["egress"] if "to" in rule]
    (peer,) = rule["to"]
    assert peer["namespaceSelector"] == {}, "runs are in the namespaces of the models"
    (components,) = peer["podSelector"]["matchExpressions"]
    assert (components["key"], components["operator"]) == (COMPONENT, "In")
    asked = [training_labels("heart", 1), serving_labels("heart", "heart-1")]
    assert components["values"] == [labels[COMPONENT] for labels in asked]
    for labels in asked:
        assert peer["podSelector"]["matchLabels"].items() <= labels.items()
    assert rule["ports"] == [{"port": PROGRESS_PORT, "protocol": "TCP"}]
