"""Every check passes on a good story and misses on a bad one."""

import pytest

from hack.demo.checks import Seen, all_checks


@pytest.fixture
def good(thing, world):
    """What is seen of a story in which all went well."""
    seen = Seen(moments={"applied": 10.0, "first prediction": 45.0, "verdict": 100.0, "new version": 130.0})
    objects = [
        thing("Job", "heart-1", labels={"training": "heart", "run": "1"}),
        thing("Job", "heart-2", labels={"training": "heart", "run": "2"}),
        thing("Job", "heart-monitor-1", labels={"monitor": "heart"}),
        thing("ModelVersion", "heart-1", status={"stage": "Retired"}),
        thing("ModelVersion", "heart-2", status={"stage": "Champion"}),
    ]
    clients = {"requests": 300, "failed": 0, "unnamed": 0, "versions": {"heart-1": 200, "heart-2": 100}}
    seen.look(world(*objects, **clients))
    return seen


def missed(seen):
    return [check.name for check in all_checks(seen) if not check.passed]


def test_all_checks_pass_when_all_went_well(good):
    assert missed(good) == []
    assert len(all_checks(good)) == 7


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"failed": 1, "lastFailure": "status 503"}, "no request failed"),
        ({"requests": 0}, "no request failed"),
        ({"unnamed": 1}, "every answer named the version that gave it"),
        ({"versions": {"heart-1": 300}}, "every answer named the version that gave it"),
        ({"versions": {"heart-1": 1, "heart-2": 1, "heart-3": 1}}, "every answer named the version that gave it"),
    ],
)
def test_a_client_that_was_let_down_is_a_miss(good, change, name):
    good.world.clients.update(change)
    assert missed(good) == [name]


def test_a_second_job_of_a_run_is_a_miss_even_when_it_is_gone_at_the_end(good, thing, world):
    last = good.world
    twin = thing("Job", "heart-2", labels={"training": "heart", "run": "2"})
    twin["metadata"]["uid"] = "another"
    good.look(world(twin))
    good.look(last)
    assert missed(good) == ["exactly one Job for each run"]


def test_a_third_run_is_a_miss(good, thing):
    good.look(
        good.world.__class__(
            [*good.world.objects, thing("Job", "heart-3", labels={"training": "heart", "run": "3"})], good.world.clients
        )
    )
    assert missed(good) == ["exactly one Job for each run"]


def test_a_version_that_was_recorded_twice_is_a_miss(good):
    good.versions["heart-1"].add("another")
    assert missed(good) == ["exactly one ModelVersion for each finished run"]


def test_an_old_version_that_is_not_retired_is_a_miss(good):
    good.world.find("ModelVersion", "heart-1")["status"]["stage"] = "Approved"
    assert missed(good) == ["the old version is retired, the new one is champion"]


@pytest.mark.parametrize("moment", ["first prediction", "new version"])
def test_what_takes_a_minute_or_is_never_seen_is_a_miss(good, moment):
    good.moments[moment] += 60
    assert len(missed(good)) == 1
    del good.moments[moment]
    assert len(missed(good)) == 1
