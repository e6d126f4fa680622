"""The way without Helm: the rendered manifests with other images in them."""

from __future__ import annotations

import copy

import pytest
import yaml

from evermodel_operator.settings import Settings
from hack.install import Choice, Image, InstallError, rendered, substituted

DIGEST = f"sha256:{'a' * 64}"


@pytest.mark.parametrize(
    ("reference", "image"),
    [
        ("evermodel:0.1.0", Image("", "evermodel", "0.1.0", "")),
        (f"evermodel@{DIGEST}", Image("", "evermodel", "", DIGEST)),
        (f"ml/evermodel:v1@{DIGEST}", Image("", "ml/evermodel", "v1", DIGEST)),
        ("registry.example/ml/evermodel:v1", Image("registry.example", "ml/evermodel", "v1", "")),
        ("localhost:5000/evermodel:v1", Image("localhost:5000", "evermodel", "v1", "")),
        ("localhost/evermodel:v1", Image("localhost", "evermodel", "v1", "")),
    ],
)
def test_a_reference_is_taken_apart_and_put_together(reference: str, image: Image):
    assert Image.parse(reference) == image
    assert str(image) == (reference if not image.digest else reference.replace(":v1@", "@"))


@pytest.mark.parametrize("reference", ["", "evermodel", "evermodel@sha256:12", "evermodel:v1@latest", "a:b:c"])
def test_what_names_no_exact_image_is_refused(reference: str):
    with pytest.raises(InstallError, match="write NAME:TAG or NAME@sha256:DIGEST"):
        Image.parse(reference)


def test_images_and_pull_policy_are_written_where_the_chart_writes_them():
    # given the rendered manifests and other images
    before = rendered()
    kept = copy.deepcopy(before)
    choice = Choice(Image.parse(f"op@{DIGEST}"), Image.parse("run:v2"), "Never")
    # when they are written in
    after = substituted(before, choice)
    # then the operator has its image, and its settings those of the models' pods
    (deployment,) = (manifest for manifest in after if manifest["kind"] == "Deployment")
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    assert (container["image"], container["imagePullPolicy"]) == (f"op@{DIGEST}", "Never")
    (config,) = (manifest for manifest in after if manifest["kind"] == "ConfigMap")
    settings = Settings.model_validate(yaml.safe_load(config["data"]["settings.yaml"]))
    assert (settings.runtime_image, settings.image_pull_policy) == ("run:v2", "Never")
    # and nothing else is touched
    assert before == kept
    changed = [old["kind"] for old, new in zip(before, after, strict=True) if old != new]
    assert sorted(changed) == ["ConfigMap", "Deployment"]


def test_another_runtime_image_starts_the_operator_anew():
    def checksum(runtime: str) -> str:
        manifests = substituted(rendered(), Choice(Image.parse("op:v1"), Image.parse(runtime)))
        (deployment,) = (manifest for manifest in manifests if manifest["kind"] == "Deployment")
        return str(deployment["spec"]["template"]["metadata"]["annotations"]["checksum/settings"])

    assert checksum("run:v1") == checksum("run:v1")
    assert checksum("run:v1") != checksum("run:v2")


def test_manifests_without_an_operator_are_refused():
    manifests = [manifest for manifest in rendered() if manifest["kind"] != "Deployment"]
    with pytest.raises(InstallError, match="run make generate"):
        substituted(manifests, Choice(Image.parse("op:v1"), Image.parse("run:v1")))
