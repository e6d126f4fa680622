"""What the installation grants is what the operator uses: no verb more, no verb less."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from evermodel_operator.cluster.permissions import EVERYWHERE, OWN_NAMESPACE, Permission
from evermodel_operator.cluster.resources import UNWATCHED, WATCHED

INSTALL = Path(__file__).resolve().parents[4] / "manifests" / "install.yaml"
Use = tuple[str, str, str]


def uses(permissions: tuple[Permission, ...]) -> set[Use]:
    return {(each.group, each.resource, verb) for each in permissions for verb in each.verbs}


def granted(role: dict[str, Any]) -> set[Use]:
    return {
        (group, resource, verb)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def roles_of_the_operator(kind: str) -> list[dict[str, Any]]:
    """The roles of that kind that the installation binds to the operator's service account."""
    documents = [each for each in yaml.safe_load_all(INSTALL.read_text()) if each]
    bound = {
        each["roleRef"]["name"]
        for each in documents
        if each["kind"] == f"{kind}Binding" and any(who["kind"] == "ServiceAccount" for who in each["subjects"])
    }
    return [each for each in documents if each["kind"] == kind and each["metadata"]["name"] in bound]


@pytest.mark.parametrize(("kind", "permissions"), [("ClusterRole", EVERYWHERE), ("Role", OWN_NAMESPACE)])
def test_the_installed_roles_are_the_list(kind: str, permissions: tuple[Permission, ...]):
    (role,) = roles_of_the_operator(kind)

    assert granted(role) == uses(permissions)


def test_no_wildcards_and_no_secrets():
    every = uses((*EVERYWHERE, *OWN_NAMESPACE))

    assert not any("*" in part for use in every for part in use)
    assert not any(resource.startswith("secrets") for _group, resource, _verb in every)


def test_what_is_watched_may_be_listed_and_watched_and_nothing_else_may_be():
    every = uses((*EVERYWHERE, *OWN_NAMESPACE))

    for verb in ("list", "watch"):
        assert {(group, name) for group, name, may in every if may == verb} == {
            (each.group, each.plural) for each in WATCHED
        }
    assert {(each.group, each.plural) for each in UNWATCHED} <= {(group, name) for group, name, _verb in every}
