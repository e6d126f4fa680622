"""What users say of serving pods, merged into what Evermodel says."""

import pytest

from evermodel_api.deployment import DeploymentSpec
from evermodel_operator.children.overrides import merged
from evermodel_operator.children.serving import serving_deployment
from evermodel_operator.plan import Object
from tests.unit.evermodel_operator.children.manifests import IMAGE, SETTINGS, owner, serving_order


def pod_with(**said: object) -> Object:
    spec = DeploymentSpec.model_validate({"model": {"trainingRef": {"name": "heart"}}, "podTemplate": {"spec": said}})
    made = serving_deployment(owner("ModelDeployment"), serving_order(), IMAGE, 2, spec, SETTINGS)
    pod: Object = made["spec"]["template"]["spec"]
    return pod


def test_a_variable_that_both_give_is_the_users_whole():
    # given a variable that Evermodel takes from the limits
    # when the user gives it a value
    pod = pod_with(containers=[{"name": "evermodel", "env": [{"name": "OMP_NUM_THREADS", "value": "1"}]}])
    # then nothing of ours is left beside it, which the API server would refuse
    (container,) = pod["containers"]
    (variable,) = [each for each in container["env"] if each["name"] == "OMP_NUM_THREADS"]
    assert variable == {"name": "OMP_NUM_THREADS", "value": "1"}


def test_a_sidecar_is_restricted_unless_it_says_otherwise():
    pod = pod_with(containers=[{"name": "proxy", "image": "proxy:1"}])
    ours, theirs = pod["containers"]
    assert (ours["name"], theirs["name"]) == ("evermodel", "proxy")
    assert theirs["securityContext"] == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


def test_unknown_fields_of_a_container_are_handed_on():
    # a field that this operator's schema does not name reaches Kubernetes as it was written
    pod = pod_with(initContainers=[{"name": "fetch", "image": "fetch:1", "restartPolicy": "Always"}])
    assert pod["initContainers"][0]["restartPolicy"] == "Always"


@pytest.mark.parametrize(
    ("field", "ours", "theirs", "result"),
    [
        ("tolerations", [{"key": "a"}], [{"key": "b"}, {"key": "a"}], [{"key": "a"}, {"key": "b"}]),
        ("args", ["a"], ["b"], ["b"]),
        ("resources", {"limits": {"cpu": "1"}}, {"limits": {"memory": "1"}}, {"limits": {"cpu": "1", "memory": "1"}}),
        (
            "volumeMounts",
            [{"mountPath": "/a", "name": "x"}],
            [{"mountPath": "/a", "name": "y"}],
            [{"mountPath": "/a", "name": "y"}],
        ),
    ],
)
def test_lists_are_merged_as_kubernetes_merges_them(field: str, ours: object, theirs: object, result: object):
    assert merged({field: ours}, {field: theirs}) == {field: result}
