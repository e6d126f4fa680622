"""The chart, rendered by the real Helm."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from evermodel_api.kinds import KINDS
from evermodel_operator.cluster.permissions import EVERYWHERE, OWN_NAMESPACE, Permission
from evermodel_operator.settings import Settings
from hack import generate, helm

if TYPE_CHECKING:
    from pathlib import Path

# Building Helm for the first time counts as part of the first test.
pytestmark = pytest.mark.timeout(900)

DIGEST = f"sha256:{'0' * 64}"
VALUE_SETS = {
    "the defaults": [],
    "exact images": [f"--set=image.digest={DIGEST},runtimeImage.digest={DIGEST},imagePullSecrets[0].name=pull"],
    "one namespace": ["--set=rbac.scope=namespaced,watchNamespaces={ward-1,ward-2}"],
    "an object store": ["--set=store.uri=s3://models,store.claim=null"],
    "an object store of one's own": [
        "--set=store.uri=s3://models,store.claim=null,store.endpoint=http://minio.minio:9000,store.region=eu-1",
        "--set=store.credentials.training=trainer,store.credentials.serving=server,artifacts.allowPickle=true",
    ],
    "everything on": [
        "--set=replicaCount=2,podDisruptionBudget.enabled=true,networkPolicy.enabled=true",
        "--set=metrics.serviceMonitor.enabled=true,metrics.serviceMonitor.labels.release=prometheus",
        '--set-json=tolerations=[{"operator":"Exists"}]',
        '--set-json=nodeSelector={"kubernetes.io/os":"linux"}',
        '--set-json=affinity={"nodeAffinity":{}}',
        '--set-json=serviceAccount.annotations={"team":"ml"}',
        "--set=log.level=debug,log.format=text,store.claim.storageClass=fast",
    ],
    "everything off": [
        "--set=crds.enabled=false,serviceAccount.create=false,rbac.create=false",
        "--set=metrics.enabled=false,leaderElection.enabled=false",
    ],
    "a long name": [f"--set=fullnameOverride={'n' * 40}"],
}
every_set = pytest.mark.parametrize("values", VALUE_SETS.values(), ids=VALUE_SETS)


def of_kind(manifests: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [manifest for manifest in manifests if manifest["kind"] == kind]


def one(manifests: list[dict[str, Any]], kind: str, name: str = "evermodel") -> dict[str, Any]:
    (found,) = [manifest for manifest in of_kind(manifests, kind) if manifest["metadata"]["name"] == name]
    return found


def settings_of(manifests: list[dict[str, Any]]) -> Settings:
    (config,) = of_kind(manifests, "ConfigMap")
    return Settings.model_validate(yaml.safe_load(config["data"]["settings.yaml"]))


def granted(rules: list[dict[str, Any]]) -> set[tuple[str, str, str]]:
    return {
        (group, resource, verb)
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def used(permissions: tuple[Permission, ...]) -> set[tuple[str, str, str]]:
    return {(each.group, each.resource, verb) for each in permissions for verb in each.verbs}


@every_set
def test_the_linter_has_nothing_to_say(helm_program: Path, values: list[str]):
    assert "0 chart(s) failed" in helm.run_helm(helm_program, "lint", "--strict", str(helm.CHART), *values)


def test_the_manifests_are_the_rendered_chart(helm_program: Path):
    assert generate.differing(generate.installation(helm_program)) == [], "run make generate"


@every_set
def test_the_operator_reads_the_settings_that_are_rendered(helm_program: Path, values: list[str]):
    settings = settings_of(helm.render(helm_program, *values))
    assert settings.runtime_image.startswith("evermodel")


@every_set
def test_the_operator_is_restricted(helm_program: Path, values: list[str]):
    # given the operator's pod
    (deployment,) = of_kind(helm.render(helm_program, *values), "Deployment")
    pod = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    # then it passes the restricted Pod Security Standard, and its root file system is read-only
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == 65532
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    # and its probes ask where the settings make it listen
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    listening = settings_of(helm.render(helm_program, *values)).ports
    assert ports == {"health": listening.health, "metrics": listening.metrics}
    assert {container[probe]["httpGet"]["port"] for probe in ("startupProbe", "readinessProbe", "livenessProbe")} == {
        "health"
    }


@every_set
def test_what_is_bound_and_selected_is_there(helm_program: Path, values: list[str]):
    manifests = helm.render(helm_program, *values)
    # every binding names a role and an account that the chart makes
    made = {(m["kind"], m["metadata"].get("namespace"), m["metadata"]["name"]) for m in manifests}
    for binding in of_kind(manifests, "RoleBinding") + of_kind(manifests, "ClusterRoleBinding"):
        assert (binding["roleRef"]["kind"], binding["metadata"].get("namespace"), binding["roleRef"]["name"]) in made
        for subject in binding["subjects"]:
            assert (subject["kind"], subject["namespace"], subject["name"]) in made
    # and every selector finds the operator's pods
    (deployment,) = of_kind(manifests, "Deployment")
    labels = deployment["spec"]["template"]["metadata"]["labels"].items()
    selectors = [deployment["spec"]["selector"]["matchLabels"]]
    selectors += [service["spec"]["selector"] for service in of_kind(manifests, "Service")]
    selectors += [policy["spec"]["podSelector"]["matchLabels"] for policy in of_kind(manifests, "NetworkPolicy")]
    selectors += [budget["spec"]["selector"]["matchLabels"] for budget in of_kind(manifests, "PodDisruptionBudget")]
    for selector in selectors:
        assert selector.items() <= labels


def test_the_role_gives_exactly_what_the_operator_uses(helm_program: Path):
    manifests = helm.render(helm_program)
    assert granted(one(manifests, "ClusterRole")["rules"]) == used(EVERYWHERE)
    lease = one(manifests, "Role", "evermodel-lease")
    assert granted(lease["rules"]) == used(OWN_NAMESPACE)
    # of what can be named, only its own Lease
    assert [rule["resourceNames"] for rule in lease["rules"] if rule["verbs"] != ["create"]] == [["evermodel"]]
    settings = settings_of(manifests).leader_election
    assert (settings.namespace, settings.name) == (lease["metadata"]["namespace"], "evermodel")


def test_in_some_namespaces_the_permissions_are_the_same_and_there_are_none_elsewhere(helm_program: Path):
    manifests = helm.render(helm_program, *VALUE_SETS["one namespace"])
    roles = [role for role in of_kind(manifests, "Role") if role["metadata"]["name"] == "evermodel"]
    assert [role["metadata"]["namespace"] for role in roles] == ["ward-1", "ward-2"]
    assert all(granted(role["rules"]) == used(EVERYWHERE) for role in roles)
    assert of_kind(manifests, "ClusterRoleBinding") == []
    assert settings_of(manifests).watch_namespaces == ("ward-1", "ward-2")


def test_people_read_and_write_the_kinds_by_the_roles_that_they_have(helm_program: Path):
    manifests = helm.render(helm_program)
    every_kind = {kind.plural for kind in KINDS}
    view, edit = (granted(one(manifests, "ClusterRole", f"evermodel-{name}")["rules"]) for name in ("view", "edit"))
    assert {resource for _, resource, verb in view if verb == "list"} == every_kind
    assert {verb for _, _, verb in view} == {"get", "list", "watch"}
    assert {resource for _, resource, verb in edit if verb == "create"} == every_kind
    # a status is the operator's
    assert not [resource for _, resource, _ in view | edit if resource.endswith("/status")]


def test_the_kinds_are_installed_and_outlive_the_release(helm_program: Path):
    manifests = of_kind(helm.render(helm_program), "CustomResourceDefinition")
    assert {manifest["spec"]["names"]["kind"] for manifest in manifests} == {kind.name for kind in KINDS}
    assert all(m["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"} for m in manifests)


def test_the_kinds_can_be_left_out_or_go_with_the_release(helm_program: Path):
    assert of_kind(helm.render(helm_program, "--set=crds.enabled=false"), "CustomResourceDefinition") == []
    gone = of_kind(helm.render(helm_program, "--set=crds.keep=false"), "CustomResourceDefinition")
    assert len(gone) == len(KINDS)
    assert all("annotations" not in manifest["metadata"] for manifest in gone)


@pytest.mark.parametrize(
    ("values", "reference"),
    [
        ("", "evermodel-operator:{version}"),
        ("image.tag=v9", "evermodel-operator:v9"),
        (f"image.tag=v9,image.digest={DIGEST}", f"evermodel-operator@{DIGEST}"),
        (
            "image.registry=registry.example:5000,image.repository=ml/operator,image.tag=v1",
            "registry.example:5000/ml/operator:v1",
        ),
    ],
)
def test_a_digest_wins_over_a_tag_and_a_tag_over_the_version_of_the_chart(
    helm_program: Path, values: str, reference: str
):
    manifests = helm.render(helm_program, f"--set={values}") if values else helm.render(helm_program)
    version = yaml.safe_load((helm.CHART / "Chart.yaml").read_text())["appVersion"]
    container = one(manifests, "Deployment")["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == reference.format(version=version)


def test_an_object_store_needs_no_claim(helm_program: Path):
    settings = settings_of(helm.render(helm_program, *VALUE_SETS["an object store"]))
    assert (settings.store.uri, settings.store.claim) == ("s3://models", None)


def test_each_component_has_credentials_of_its_own(helm_program: Path):
    settings = settings_of(helm.render(helm_program, *VALUE_SETS["an object store of one's own"]))
    assert settings.store.credentials.dump() == {"training": "trainer", "serving": "server"}
    assert (settings.store.endpoint, settings.store.region) == ("http://minio.minio:9000", "eu-1")


def test_pickles_are_off_until_the_admin_turns_them_on(helm_program: Path):
    assert settings_of(helm.render(helm_program)).artifacts.allow_pickle is False
    on = settings_of(helm.render(helm_program, *VALUE_SETS["an object store of one's own"]))
    assert on.artifacts.allow_pickle is True


def test_changed_settings_start_the_operator_anew(helm_program: Path):
    def checksum(*values: str) -> str:
        template = one(helm.render(helm_program, *values), "Deployment")["spec"]["template"]
        return str(template["metadata"]["annotations"]["checksum/settings"])

    assert checksum() == checksum("--set=nodeSelector.disk=ssd")
    assert checksum() != checksum("--set=runtimeImage.tag=v9")


def test_what_is_made_with_everything_on_and_with_everything_off(helm_program: Path):
    optional = {"PodDisruptionBudget", "NetworkPolicy", "ServiceMonitor"}
    everything = {m["kind"] for m in helm.render(helm_program, *VALUE_SETS["everything on"])}
    nothing = [m["kind"] for m in helm.render(helm_program, *VALUE_SETS["everything off"])]
    assert optional <= everything
    assert not optional & {m["kind"] for m in helm.render(helm_program)}
    assert sorted(nothing) == ["ConfigMap", "Deployment"]


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ("replicas=2", "replicas"),
        ("replicaCount=two", "replicaCount"),
        ("image.digest=latest", "digest"),
        ("image.pullPolicy=Sometimes", "pullPolicy"),
        ("log.level=loud", "level"),
        ("store.uri=models", "uri"),
        ("store.claim.accessModes={Often}", "accessModes"),
        ("store.endpoint=minio", "endpoint"),
        ("store.credentials.training=My_Secret", "training"),
        ("store.credentials.everybody=one", "everybody"),
        ("artifacts.allowPickle=perhaps", "allowPickle"),
        ("rbac.scope=galaxy", "scope"),
        ("watchNamespaces={Ward_1}", "watchNamespaces"),
    ],
)
def test_a_wrong_value_is_refused_by_name(helm_program: Path, value: str, named: str):
    with pytest.raises(helm.HelmError, match=named):
        helm.render(helm_program, f"--set={value}")


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ("rbac.scope=namespaced", "name at least one namespace there"),
        ("metrics.enabled=false,metrics.serviceMonitor.enabled=true", "set metrics.enabled=true"),
    ],
)
def test_values_that_do_not_go_together_are_refused_with_what_to_write(helm_program: Path, values: str, sentence: str):
    with pytest.raises(helm.HelmError, match=sentence):
        helm.render(helm_program, f"--set={values}")


def test_every_value_is_in_the_schema_and_every_name_of_the_schema_has_a_value():
    schema = json.loads((helm.CHART / "values.schema.json").read_text())
    values = yaml.safe_load((helm.CHART / "values.yaml").read_text())
    free = {"global"}
    assert schema["properties"].keys() - free == values.keys()
    for name, value in values.items():
        described = schema["properties"][name]
        described = schema["definitions"]["image"] if described.get("$ref") == "#/definitions/image" else described
        if "properties" in described:
            assert described["additionalProperties"] is False, name
            assert described["properties"].keys() == value.keys(), name


def test_the_chart_names_the_kinds_as_they_are():
    annotations = yaml.safe_load((helm.CHART / "Chart.yaml").read_text())["annotations"]
    listed = yaml.safe_load(annotations["artifacthub.io/crds"])
    assert {(each["kind"], each["name"], each["description"]) for each in listed} == {
        (kind.name, f"{kind.plural}.evermodel.dev", kind.summary.replace(": from", ", from")) for kind in KINDS
    }


def test_nothing_in_the_chart_differs_from_one_rendering_to_the_next():
    # what Argo CD renders anew each time must be the same each time
    for template in helm.CHART.rglob("templates/**/*"):
        if template.is_file():
            text = template.read_text()
            for function in ("lookup ", "randAlpha", "genCA", "genSelfSigned", "uuidv4", "now "):
                assert f"{{{{ {function}" not in text, template
                assert f"{{{{- {function}" not in text, template


def test_the_release_can_be_tested_under_the_same_restrictions(helm_program: Path):
    # given all that `helm install` knows, the test included
    template = ("template", helm.RELEASE, str(helm.CHART), "--namespace", helm.NAMESPACE)
    manifests = [each for each in yaml.safe_load_all(helm.run_helm(helm_program, *template)) if each]
    pod, operator = one(manifests, "Pod", "evermodel-test-metrics"), one(manifests, "Deployment")
    # then its pod is no less restricted than the operator's, has no token, and asks the Service that is there
    (tester,), (worker,) = pod["spec"]["containers"], operator["spec"]["template"]["spec"]["containers"]
    assert pod["metadata"]["annotations"]["helm.sh/hook"] == "test"
    assert tester["securityContext"] == worker["securityContext"]
    assert tester["image"] == worker["image"]
    assert pod["spec"]["automountServiceAccountToken"] is False
    service = one(manifests, "Service", "evermodel-metrics")
    assert f"http://{service['metadata']['name']}:{service['spec']['ports'][0]['port']}/metrics" in tester["args"][0]
    # and no Service takes it for the operator
    assert not service["spec"]["selector"].items() <= pod["metadata"]["labels"].items()
