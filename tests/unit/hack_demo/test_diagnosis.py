from hack.demo.diagnosis import conditions, is_well


def test_each_condition_is_a_line(thing):
    items = [
        {
            "type": "Failed",
            "status": "True",
            "reason": "SecretKeyMissing",
            "message": "Secret clinic-db has no key dsn.",
        }
    ]
    lines = list(conditions(thing("ModelTraining", status={"conditions": items})))
    assert lines == ["ModelTraining/heart: Failed=True SecretKeyMissing Secret clinic-db has no key dsn."]


def test_an_object_that_nobody_looked_at_says_so(thing):
    assert "no status yet" in next(conditions(thing("ModelTraining")))


def test_a_pod_is_well_when_it_is_ready_or_done(thing):
    assert is_well(thing("Pod", status={"phase": "Succeeded"}))
    assert is_well(thing("Pod", status={"phase": "Running", "containerStatuses": [{"ready": True}]}))
    assert not is_well(thing("Pod", status={"phase": "Running", "containerStatuses": [{"ready": False}]}))
    assert not is_well(thing("Pod", status={"phase": "Pending"}))
    assert not is_well(thing("Pod", status={"phase": "Running"}))
