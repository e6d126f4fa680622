"""The pod of a run: who is in it, who sees what, and when its Job has ended."""

import pytest

from evermodel_api.base import Resources
from evermodel_api.training import Algorithm, TrainingSpec
from evermodel_operator.children.job import reproduction_name, training_job
from evermodel_operator.children.run_pod import fit_container, with_exchange
from evermodel_operator.plan import Object
from tests.unit.evermodel_operator.children.manifests import (
    FULL,
    IMAGE,
    OTHER_IMAGE,
    SEARCHED,
    SETTINGS,
    TRAINING,
    owner,
    training_of,
    training_order,
)

DIGEST = IMAGE.partition("@")[2]


def pod_of(job: Object) -> Object:
    pod: Object = job["spec"]["template"]["spec"]
    return pod


def container(pod: Object, name: str) -> Object:
    (found,) = [each for each in [*pod["containers"], *pod.get("initContainers", [])] if each["name"] == name]
    return dict(found)


@pytest.mark.parametrize(
    ("image", "needed"),
    [
        (None, False),
        (IMAGE, False),
        (f"registry.example.org/mirror/evermodel@{DIGEST}", False),
        (OTHER_IMAGE, True),
        ("evermodel:v1", True),
    ],
)
def test_the_champion_has_a_container_where_its_image_is_another_one(image: str | None, needed: bool):
    names = [each["name"] for each in pod_of(training_of(TRAINING, image)).get("initContainers", [])]

    assert names == (["champion"] if needed else [])
    assert with_exchange(training_order(TRAINING, image), SETTINGS).exchange == ("/exchange" if needed else None)


def test_the_champion_is_a_sidecar_that_reads_the_store_and_sees_no_secret():
    champion = container(pod_of(training_of(FULL, OTHER_IMAGE)), "champion")

    assert champion["restartPolicy"] == "Always"
    assert champion["image"] == OTHER_IMAGE
    assert champion["args"] == ["answer", "--exchange", "/exchange"]
    assert {mount["name"]: mount.get("readOnly", False) for mount in champion["volumeMounts"]} == {
        "tmp-champion": False,
        "exchange": False,
        "store": True,
    }
    # and does not take a graphics card away from the run
    assert "example.org/gpu" not in champion["resources"]["limits"]


def test_what_a_user_brings_starts_between_collecting_and_judging():
    pod = pod_of(training_of(FULL, OTHER_IMAGE))

    assert [each["name"] for each in pod["initContainers"]] == ["champion", "collect", "fit-0-own", "fit-1-other"]
    assert container(pod, "collect")["args"] == ["train", "--order", "/etc/evermodel/order.json", "--stage", "collect"]
    assert container(pod, "evermodel")["args"] == ["train", "--order", "/etc/evermodel/order.json"]


def test_what_a_user_brings_sees_the_directory_of_its_fits_and_nothing_else():
    pod = pod_of(training_of(FULL, OTHER_IMAGE))
    own, other = container(pod, "fit-0-own"), container(pod, "fit-1-other")

    assert own["volumeMounts"] == [{"name": "exchange", "mountPath": "/exchange/fits/own", "subPath": "fits/own"}]
    assert own["env"][0] == {"name": "EVERMODEL_FITS", "value": "/exchange/fits/own"}
    assert (other["command"], other["args"]) == (["fit"], ["--fast"])
    # its user is its image's, which must not be root
    assert "runAsUser" not in own["securityContext"]
    assert "runAsUser" not in pod["securityContext"]
    assert pod["securityContext"]["runAsNonRoot"] is True


def test_long_names_of_algorithms_stay_apart():
    names = ["a" * 63, "a" * 62 + "b", "a" * 61 + "-b"]
    made = [
        fit_container(number, Algorithm.model_validate({"name": name, "container": {"image": "i"}}))
        for number, name in enumerate(names)
    ]

    assert len(set(made)) == 3
    assert all(len(name) <= 63 and not name.endswith("-") for name in made)


def test_a_run_sees_every_secret_that_it_names():
    volumes = {
        volume["secret"]["secretName"]: volume["secret"].get("items")
        for volume in pod_of(training_of(FULL))["volumes"]
        if "secret" in volume
    }

    assert volumes == {
        "clinic-db": [{"key": "dsn", "path": "dsn"}],
        "lake": None,
        "mlflow": None,
        "registry": None,
    }


def test_a_users_labels_never_make_a_pod_look_like_another_one():
    # given labels by which a Service would send its traffic to the run's pod
    template = training_of(FULL)["spec"]["template"]["metadata"]
    # then only those that are not Evermodel's are kept
    assert template["labels"]["team"] == "ml"
    assert template["labels"]["app.kubernetes.io/name"] == "evermodel"
    assert "evermodel.dev/deployment" not in template["labels"]
    assert template["annotations"] == {"sidecar.example.org/inject": "false"}


def test_a_pod_template_gives_no_token():
    pod = pod_of(training_of(FULL))

    assert pod["serviceAccountName"] == "lake-reader"
    assert pod["automountServiceAccountToken"] is False


def test_a_queued_run_is_made_suspended():
    job = training_of(FULL)

    assert job["spec"]["suspend"] is True
    assert job["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "clinic"
    assert "suspend" not in training_of(TRAINING)["spec"]


def test_more_memory_reaches_every_container_that_works():
    more = Resources(requests={"memory": "8Gi"}, limits={"memory": "8Gi"})
    pod = pod_of(training_job(owner("ModelTraining"), training_order(FULL), "{}", SETTINGS, more))

    for name in ("evermodel", "collect", "fit-0-own", "fit-1-other"):
        assert container(pod, name)["resources"] == more.dump(), name


def rules(spec: TrainingSpec) -> list[Object]:
    found: list[Object] = training_of(spec)["spec"]["podFailurePolicy"]["rules"]
    return found


@pytest.mark.parametrize("spec", [TRAINING, FULL, SEARCHED], ids=["plain", "containers", "workers"])
def test_a_disruption_is_looked_for_before_exit_codes(spec: TrainingSpec):
    # an evicted pod that does not end in time is killed, which looks like too little memory
    assert rules(spec)[0]["action"] == "Ignore"


def test_a_single_pod_that_was_killed_is_not_tried_with_the_same_memory():
    assert {rule["onExitCodes"]["containerName"]: rule["onExitCodes"]["values"] for rule in rules(FULL)[1:]} == {
        name: [3, 4, 137] for name in ("evermodel", "collect", "fit-0-own", "fit-1-other")
    }


def test_a_killed_worker_comes_again_and_the_leader_ends_the_job():
    job = training_of(SEARCHED)["spec"]

    assert [rule["onExitCodes"]["values"] for rule in rules(SEARCHED)[1:]] == [[3, 4]]
    assert (job["completionMode"], job["completions"], job["parallelism"]) == ("Indexed", 3, 3)
    assert (job["backoffLimitPerIndex"], job["maxFailedIndexes"]) == (2, 3)
    assert job["successPolicy"] == {"rules": [{"succeededIndexes": "0"}]}
    assert "backoffLimit" not in job


def test_each_wish_to_reproduce_has_a_job_of_its_own_with_a_name_that_fits():
    longest = f"{'a' * 40}-{1:011d}"

    names = {reproduction_name(version, wish) for version in ("heart-1", "heart-2", longest) for wish in ("1", "2")}

    assert len(names) == 6
    assert all(len(name) <= 63 for name in names)
