"""The real API server accepts what is right, refuses what is wrong with a sentence, and fills in what is absent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from evermodel_api.deployment import DeploymentSpec
from evermodel_api.kinds import KINDS, Kind
from evermodel_api.monitor import MonitorSpec
from evermodel_api.training import TrainingSpec
from tests.cases import CASES, OBJECTS, Case, changed

if TYPE_CHECKING:
    import subprocess

    from evermodel_api.base import Schema
    from tests.cluster.conftest import Kubectl

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("kinds", "operator_away")]


def _create(kubectl: Kubectl, namespace: str, document: dict[str, object]) -> subprocess.CompletedProcess[str]:
    arguments = ("create", "--dry-run=server", "-n", namespace, "-o", "json", "-f", "-")
    return kubectl.run(*arguments, given=json.dumps(document))


@pytest.mark.parametrize("case", [case for case in CASES if not case.update], ids=lambda case: case.name)
def test_a_new_object_is_judged(kubectl: Kubectl, namespace: str, case: Case):
    # given an object that is right but for one change
    # when it is created
    result = _create(kubectl, namespace, case.after)
    # then it is accepted, or refused in words that say what to write instead
    _judge(result, case)


@pytest.mark.parametrize("case", [case for case in CASES if case.update], ids=lambda case: case.name)
def test_a_change_is_judged(kubectl: Kubectl, namespace: str, case: Case):
    # given an object that is there
    kubectl.apply(case.before, namespace=namespace)
    # when it is changed
    result = kubectl.run("replace", "-n", namespace, "-f", "-", given=json.dumps(case.after))
    # then the change is accepted or refused
    _judge(result, case)


def _judge(result: subprocess.CompletedProcess[str], case: Case) -> None:
    if case.accepted:
        assert result.returncode == 0, result.stderr
    else:
        assert result.returncode != 0, "it was accepted"
        assert case.message in result.stderr
        if case.by == "rule":
            assert result.stderr.count("Invalid value") == 1, f"more than the one sentence: {result.stderr}"


@pytest.mark.parametrize(
    ("name", "spec"),
    [("training", TrainingSpec), ("full", TrainingSpec), ("deployment", DeploymentSpec), ("monitor", MonitorSpec)],
)
def test_defaults_are_filled_in_as_pydantic_fills_them(kubectl: Kubectl, namespace: str, name: str, spec: type[Schema]):
    # given an object with the least that must be written
    # when the API server has taken it
    result = _create(kubectl, namespace, OBJECTS[name])
    # then its spec is what the operator and the pods read from the same file
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["spec"] == spec.model_validate(OBJECTS[name]["spec"]).dump()


def test_a_field_that_does_not_exist_is_refused(kubectl: Kubectl, namespace: str):
    # given a misspelt field
    misspelt = changed(OBJECTS["deployment"], {"spec.replica": 3})
    # when it is applied as people apply
    result = kubectl.run("apply", "-n", namespace, "-f", "-", given=json.dumps(misspelt))
    # then it is named
    assert result.returncode != 0
    assert 'unknown field "spec.replica"' in result.stderr


def test_one_word_lists_all_four_kinds_with_their_columns(kubectl: Kubectl, namespace: str):
    # given one object of each kind
    kubectl.apply(*(OBJECTS[name] for name in ("training", "version", "deployment", "monitor")), namespace=namespace)
    # when they are listed together
    table = kubectl("get", "evermodel", "-n", namespace)
    # then all are there, each with its own columns
    for kind in KINDS:
        assert f"{kind.name.lower()}.evermodel.dev/heart" in table
        header = " ".join(column.name.upper() for column in kind.columns if not column.wide)
        assert f"NAME {header}" in [" ".join(line.split()) for line in table.splitlines()]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.short)
def test_the_short_name_and_the_wide_columns_work(kubectl: Kubectl, namespace: str, kind: Kind):
    # given nothing of another namespace
    # when a kind is listed by its short name
    kubectl.apply(*(OBJECTS[name] for name in ("training", "version", "deployment", "monitor")), namespace=namespace)
    table = kubectl("get", kind.short, "-n", namespace, "-o", "wide")
    # then the wide columns are shown too
    assert [*table.splitlines()[0].split()] == ["NAME", *(column.name.upper() for column in kind.columns)]


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("modeltraining", "How a model is made"),
        ("modeltraining.spec.gates", "All must hold before a version may serve."),
        ("modeltraining.spec.algorithms.estimator", "Class name of scikit-learn, XGBoost or LightGBM."),
        ("modelversion.spec.artifact.digest", "the identity of the model"),
        ("modeldeployment.spec.strategy.progressDeadline", "is rejected; the live one goes on"),
        ("modeldeployment.spec.strategy.steps.weight", "the live version keeps all its pods"),
        ("modeldeployment.spec.autoscaling", "Let the number of pods follow the load."),
        ("modeldeployment.spec.tls.secretRef", "taken without a restart"),
        ("modeldeployment.spec.limits.maxBody", "the server's own limit, 8Mi, when not given"),
        ("modeldeployment.spec.podTemplate.spec.containers", "beside the one that serves"),
        ("driftmonitor.spec.actions.retrain.cooldown", "Shortest time from one request to the next."),
        ("driftmonitor.spec.actions.retrain.approval", "asked for when a person says yes"),
        ("driftmonitor.spec.decide.forget", "earlier evaluations count no more"),
        ("driftmonitor.status.verdict.votes", "for example 2/3"),
        ("driftmonitor.status.retrain.history.result", "What it came to."),
    ],
)
def test_kubectl_explains_the_fields(kubectl: Kubectl, path: str, sentence: str):
    # given the API server's own description
    # when somebody asks what a field means
    explanation = " ".join(kubectl("explain", path).split())
    # then a sentence answers
    assert sentence in explanation


def test_a_deployment_is_scaled_by_kubectl(kubectl: Kubectl, namespace: str):
    # given a deployment whose status names its pods
    kubectl.apply(changed(OBJECTS["deployment"], {"metadata.name": "scaled"}), namespace=namespace)
    status = json.dumps({"status": {"replicas": 2, "selector": "evermodel.dev/version=heart-4"}})
    on_scaled = ("modeldeployment", "scaled", "-n", namespace)
    kubectl("patch", *on_scaled, "--subresource=status", "--type=merge", "-p", status)
    # when it is scaled
    kubectl("scale", *on_scaled, "--replicas=5")
    # then the spec says so, and an autoscaler finds the pods
    scale = kubectl.json("get", *on_scaled, "--subresource=scale")
    assert scale["spec"] == {"replicas": 5}
    assert scale["status"] == {"replicas": 2, "selector": "evermodel.dev/version=heart-4"}
    assert kubectl.json("get", *on_scaled)["spec"]["replicas"] == 5


def test_a_status_is_written_only_through_its_subresource_and_is_kept_as_it_is(kubectl: Kubectl, namespace: str):
    # given an object that comes with a status
    written = changed(OBJECTS["training"], {"metadata.name": "reported"}) | {"status": {"champion": "heart-9"}}
    kubectl.apply(written, namespace=namespace)
    assert "status" not in kubectl.json("get", "mt", "reported", "-n", namespace)
    # when the operator writes one
    patch = json.dumps({"status": {"champion": "heart-1"}})
    kubectl("patch", "mt", "reported", "-n", namespace, "--subresource=status", "--type=merge", "-p", patch)
    # then nothing is added to it: what the operator compares with is what it wrote
    assert kubectl.json("get", "mt", "reported", "-n", namespace)["status"] == {"champion": "heart-1"}
