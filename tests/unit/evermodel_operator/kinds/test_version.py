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
