"""The manifests of children, pinned: an operator upgrade that changes them would roll every model that is served.

`EVERMODEL_UPDATE_GOLDEN=1 pytest tests/unit/evermodel_operator/children` writes them anew; read the difference before you commit it.
"""

import os
from pathlib import Path

import pytest
import yaml

from evermodel_operator.children.claim import store_claim
from tests.unit.evermodel_operator.children.manifests import MANIFESTS, PODS, S3_SETTINGS, TRAINING, training_of

GOLDEN = Path(__file__).parent / "golden"


class Plain(yaml.SafeDumper):
    """Writes equal parts out instead of pointing from one to the other."""

    def ignore_aliases(self, data: object) -> bool:
        return True


@pytest.mark.parametrize("name", sorted(MANIFESTS))
def test_the_manifest_is_as_it_was(name: str):
    made = MANIFESTS[name]()
    golden = GOLDEN / f"{name}.yaml"
    if os.environ.get("EVERMODEL_UPDATE_GOLDEN"):
        GOLDEN.mkdir(exist_ok=True)
        golden.write_text(yaml.dump(made, Dumper=Plain, sort_keys=True))
    assert made == yaml.safe_load(golden.read_text())


@pytest.mark.parametrize("name", PODS)
def test_pods_have_no_token_and_no_rights(name: str):
    pod = MANIFESTS[name]()["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in [*pod["containers"], *pod.get("initContainers", [])]:
        security = container["securityContext"]
        assert security["capabilities"] == {"drop": ["ALL"]}
        assert security["allowPrivilegeEscalation"] is False
        if not container["name"].startswith(("fit-", "proxy")):  # what a user brings has a user of its own
            assert security["readOnlyRootFilesystem"] is True
            assert security["runAsUser"] == 65532


@pytest.mark.parametrize("name", PODS)
def test_every_mount_has_its_volume_and_every_volume_a_mount(name: str):
    pod = MANIFESTS[name]()["spec"]["template"]["spec"]
    containers = [*pod["containers"], *pod.get("initContainers", [])]
    mounted = {mount["name"] for container in containers for mount in container["volumeMounts"]}
    assert mounted == {volume["name"] for volume in pod["volumes"]}
    for container in containers:
        paths = [mount["mountPath"] for mount in container["volumeMounts"]]
        assert len(paths) == len(set(paths)), container["name"]


def test_without_a_claim_there_is_no_volume():
    pod = training_of(TRAINING, settings=S3_SETTINGS)["spec"]["template"]["spec"]
    assert "store" not in [volume["name"] for volume in pod["volumes"]]
    assert store_claim(S3_SETTINGS, "clinic") is None
