from world import World, deployment, trained, training


def stages(world: World) -> dict[str, str]:
    return {v["metadata"]["name"]: v["status"]["stage"] for v in world.all("evermodel.dev/v1alpha1", "ModelVersion")}


def run(world: World, number: int, **kwargs: bool) -> None:
    world.end_job(f"heart-{number}", trained(number, **kwargs))
    world.settle()


def again(world: World, asker: str) -> None:
    thing = world.own("ModelTraining", "heart")
    annotations = {**thing["metadata"].get("annotations", {}), f"retrain.evermodel.dev/{asker}": "1"}
    world.put({**thing, "metadata": {**thing["metadata"], "annotations": annotations}})
    world.settle()


def test_the_journal_tells_every_step(world: World):
    world.put(training())
    world.settle()
    run(world, 1)
    journal = world.own("ModelVersion", "heart-1")["status"]["journal"]
    assert [(step.get("from", ""), step["to"], step["reason"]) for step in journal] == [
        ("", "Candidate", "WaitingForGates"),
        ("Candidate", "Approved", "Approved"),
        ("Approved", "Champion", "NotFollowed"),
    ]


def test_manual_approval_waits_for_a_person(world: World):
    world.put(training(register={"approval": "Manual"}))
    world.settle()
    run(world, 1)
    assert stages(world) == {"heart-1": "PendingApproval"}
    version = world.own("ModelVersion", "heart-1")
    version["metadata"]["annotations"] = {"evermodel.dev/approve": "yes"}
    world.put(version)
    world.settle()
    assert stages(world) == {"heart-1": "Champion"}


def test_a_person_can_say_no(world: World):
    world.put(training(register={"approval": "Manual"}))
    world.settle()
    run(world, 1)
    version = world.own("ModelVersion", "heart-1")
    version["metadata"]["annotations"] = {"evermodel.dev/approve": "no"}
    world.put(version)
    world.settle()
    assert stages(world) == {"heart-1": "Rejected"}


def test_without_a_deployment_the_newest_approved_is_champion_and_the_older_retires(world: World):
    world.put(training())
    world.settle()
    run(world, 1)
    again(world, "me")
    run(world, 2)
    assert stages(world) == {"heart-1": "Retired", "heart-2": "Champion"}
    assert world.own("ModelVersion", "heart-2")["spec"]["parent"] == "heart-1"


def test_with_a_deployment_the_champion_is_what_it_serves(world: World):
    world.put(training())
    world.put(deployment(retirement={"keepPrevious": "1h"}))
    world.settle()
    run(world, 1)
    world.ready("heart-heart-1")
    world.settle()
    assert stages(world) == {"heart-1": "Champion"}
    again(world, "me")
    run(world, 2)
    assert stages(world) == {"heart-1": "Champion", "heart-2": "Approved"}
    world.ready("heart-heart-2")
    world.settle()
    assert stages(world) == {"heart-1": "Approved", "heart-2": "Champion"}
    world.pass_time(hours=1, seconds=1)
    world.settle()
    assert stages(world) == {"heart-1": "Retired", "heart-2": "Champion"}


def test_with_two_deployments_the_last_one_decides(world: World):
    world.put(training())
    world.put(deployment("one"))
    world.put(deployment("two"))
    world.settle()
    run(world, 1)
    world.ready("one-heart-1")
    world.ready("two-heart-1")
    world.settle()
    again(world, "me")
    run(world, 2)
    world.ready("one-heart-2")
    world.settle()
    assert stages(world)["heart-2"] == "Approved"
    world.ready("two-heart-2")
    world.settle()
    assert stages(world)["heart-2"] == "Champion"


def test_a_version_that_one_deployment_gives_up_is_rejected_for_all(world: World):
    world.put(training())
    world.put(deployment())
    world.settle()
    run(world, 1)
    world.ready("heart-heart-1")
    world.settle()
    again(world, "me")
    run(world, 2)
    world.pass_time(minutes=11)
    world.settle()
    assert stages(world) == {"heart-1": "Champion", "heart-2": "Rejected"}


def test_of_the_versions_that_ended_the_newest_are_kept_and_the_others_archived(world: World):
    # given a training that keeps two, and five versions of which four were replaced
    world.put(training(register={"keep": 2}))
    world.settle()
    run(world, 1)
    for number in range(2, 6):
        again(world, f"asker-{number}")
        run(world, number)
    # then the older two are in the archive, and their journal says why
    assert stages(world) == {
        "heart-1": "Archived",
        "heart-2": "Archived",
        "heart-3": "Retired",
        "heart-4": "Retired",
        "heart-5": "Champion",
    }
    step = world.own("ModelVersion", "heart-1")["status"]["journal"][-1]
    assert (step["from"], step["to"], step["reason"]) == ("Retired", "Archived", "BeyondKeep")
    assert step["by"] == "modeltraining/heart"


def test_rejected_versions_count_as_well(world: World):
    world.put(training(register={"keep": 1}))
    world.settle()
    run(world, 1, passed=False)
    again(world, "me")
    run(world, 2, passed=False)
    assert stages(world) == {"heart-1": "Archived", "heart-2": "Rejected"}


def test_a_smaller_keep_archives_at_once_and_a_larger_one_brings_nothing_back(world: World):
    world.put(training())
    world.settle()
    run(world, 1)
    for number in (2, 3):
        again(world, f"asker-{number}")
        run(world, number)
    assert stages(world)["heart-1"] == "Retired"
    keep_of(world, 1)
    assert stages(world) == {"heart-1": "Archived", "heart-2": "Retired", "heart-3": "Champion"}
    keep_of(world, 10)
    assert stages(world)["heart-1"] == "Archived"


def keep_of(world: World, keep: int) -> None:
    thing = world.own("ModelTraining", "heart")
    triggers = {"onSpecChange": False}
    world.put({**thing, "spec": {**thing["spec"], "register": {"keep": keep}, "triggers": triggers}})
    world.settle()


def test_a_version_that_a_deployment_names_is_never_archived(world: World):
    # given an old version that a deployment is pinned to
    world.put(training(register={"keep": 1}))
    world.put(deployment("pinned", model={"versionRef": {"name": "heart-1"}}))
    world.settle()
    run(world, 1)
    world.ready("pinned-heart-1")
    world.settle()
    for number in range(2, 5):
        again(world, f"asker-{number}")
        run(world, number)
    assert stages(world)["heart-1"] != "Archived"
    assert stages(world)["heart-2"] == "Archived"
    # when the deployment lets it go
    world.put(deployment("pinned", model={"versionRef": {"name": "heart-4"}}, retirement={"keepPrevious": "1s"}))
    world.settle()
    world.ready("pinned-heart-4")
    world.settle()
    world.pass_time(seconds=2)
    world.settle()
    # then it is archived as well
    assert stages(world)["heart-1"] == "Archived"
