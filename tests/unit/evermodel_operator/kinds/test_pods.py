"""What pods say: answers, and trouble, of whichever of their containers has it."""

import json
from typing import Any

import pytest

from evermodel_api.reasons import Reason
from evermodel_api.runs import TrainingOutcome
from evermodel_operator.kinds.pods import answer, trouble
from evermodel_operator.plan import Object

FAILED = json.dumps({"outcome": "Failed", "reason": "NoRows", "message": "there are no rows"})
DONE = json.dumps({"outcome": "Succeeded", "message": "made"})


def ended(name: str, code: int, message: str = "", **more: Any) -> Object:
    return {"name": name, "state": {"terminated": {"exitCode": code, "message": message, **more}}}


def waits(name: str, reason: str, message: str = "") -> Object:
    return {"name": name, "state": {"waiting": {"reason": reason, "message": message}}}


def pod(*containers: Object, init: tuple[Object, ...] = ()) -> Object:
    status = {"containerStatuses": list(containers), "initContainerStatuses": list(init)}
    return {"metadata": {"name": "heart-2-x"}, "status": status}


def test_a_champion_whose_image_cannot_be_pulled_is_told_with_its_container():
    waiting = pod(waits("evermodel", "PodInitializing"), init=(waits("champion", "ImagePullBackOff", "no such image"),))

    found = trouble([waiting])

    assert found is not None
    assert found.reason is Reason.POD_CANNOT_START
    assert found.message.startswith(
        "container champion of pod heart-2-x cannot start: ImagePullBackOff: no such image; check the image's name"
    )


@pytest.mark.parametrize("code", [1, 137])
def test_a_champion_that_ended_is_no_trouble_of_the_run(code: int):
    # it is ended together with the pod, and started again when it ends by itself
    working = pod({"name": "evermodel", "state": {"running": {}}}, init=(ended("champion", code),))

    assert trouble([working]) is None


def test_a_collector_that_failed_answers_for_the_run():
    failed = pod(waits("evermodel", "PodInitializing"), init=(ended("collect", 3, FAILED),))

    said = answer([failed], TrainingOutcome)

    assert said is not None
    assert (said.reason, said.message) == ("NoRows", "there are no rows")
    found = trouble([failed])
    assert found is not None
    assert found.final


def test_a_collector_that_is_done_does_not_answer_for_the_run():
    working = pod({"name": "evermodel", "state": {"running": {}}}, init=(ended("collect", 0, DONE),))

    assert answer([working], TrainingOutcome) is None
    assert trouble([working]) is None


@pytest.mark.parametrize(
    ("ending", "reason", "says"),
    [
        (ended("fit-0-own", 1, "Traceback: no such column"), Reason.CRASHED, "ended with code 1: Traceback"),
        (ended("fit-0-own", 137, reason="OOMKilled"), Reason.OUT_OF_MEMORY, "used more memory than its limit"),
    ],
)
def test_what_a_user_brings_is_named_when_it_fails(ending: Object, reason: Reason, says: str):
    failed = pod(waits("evermodel", "PodInitializing"), init=(ended("collect", 0), ending))

    found = trouble([failed])

    assert found is not None
    assert found.reason is reason
    assert found.message.startswith("container fit-0-own of pod heart-2-x ")
    assert says in found.message


def test_an_image_that_runs_as_root_cannot_start_and_is_told():
    message = "container has runAsNonRoot and image will run as root"
    waiting = pod(
        waits("evermodel", "PodInitializing"), init=(waits("fit-0-own", "CreateContainerConfigError", message),)
    )

    found = trouble([waiting])

    assert found is not None
    assert message in found.message


def test_the_container_that_works_is_not_named():
    found = trouble([pod(ended("evermodel", 4, "the spec is wrong"))])

    assert found is not None
    assert found.message == "pod heart-2-x ended with code 4: the spec is wrong"
    assert found.final
