from datetime import UTC, datetime, timedelta, timezone

import pytest
from pydantic import ValidationError

from evermodel_api.base import Condition, Resources, parse_duration
from evermodel_api.deployment import Strategy
from evermodel_api.monitor import Schedule
from evermodel_api.training import RunSettings


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("250ms", timedelta(milliseconds=250)),
        ("90s", timedelta(seconds=90)),
        ("1h30m", timedelta(minutes=90)),
        ("7d", timedelta(days=7)),
        ("9999d9999d", timedelta(days=19998)),
    ],
)
def test_a_duration_is_read(text: str, span: timedelta):
    assert parse_duration(text) == span


@pytest.mark.parametrize("text", ["", "5", "s", "1y", "-1s", "1.5h", "1 h", "99999d", "1h30m15s500ms", "1h\n"])
def test_what_is_no_duration_is_refused_with_what_to_write(text: str):
    with pytest.raises(ValueError, match="write a number with a unit, such as 30s, 15m, 6h or 7d"):
        parse_duration(text)


def test_the_longest_duration_fits_what_kubernetes_keeps_seconds_in():
    # given the longest texts that are durations
    longest = max(parse_duration(text) for text in ("9999d9999d", "99999h99999h", "999999m9999m"))
    # then they fit the 32 bits of a Job's ttlSecondsAfterFinished
    assert longest.total_seconds() < 2**31


@pytest.mark.parametrize(
    ("schema", "document", "shortest"),
    [
        (RunSettings, {"deadline": "0s"}, "1s"),
        (Strategy, {"progressDeadline": "999ms"}, "1s"),
        (Schedule, {"every": "4s"}, "5s"),
    ],
)
def test_a_limit_of_nothing_is_refused(schema: type, document: dict[str, str], shortest: str):
    with pytest.raises(ValidationError, match=f"too short; write a duration of at least {shortest}"):
        schema.model_validate(document)


def test_a_quantity_may_be_a_whole_number():
    assert Resources.model_validate({"requests": {"cpu": 2, "memory": "512Mi"}}).requests == {
        "cpu": "2",
        "memory": "512Mi",
    }


@pytest.mark.parametrize("quantity", [0.5, True, "much", "1 Gi", None])
def test_a_quantity_that_the_api_server_refuses_is_refused(quantity: object):
    with pytest.raises(ValidationError):
        Resources.model_validate({"requests": {"cpu": quantity}})


def test_a_moment_is_written_as_kubernetes_writes_it():
    # given a moment elsewhere, with a fraction of a second
    moment = datetime(2026, 11, 24, 7, 30, 0, 999_999, timezone(timedelta(hours=7)))
    # when a condition carries it
    dumped = Condition(type="Ready", status="True", reason="Served", last_transition_time=moment).dump()
    # then it is in UTC and whole seconds, and reads back
    assert dumped["lastTransitionTime"] == "2026-11-24T00:30:00Z"
    assert Condition.model_validate(dumped).last_transition_time == datetime(2026, 11, 24, 0, 30, tzinfo=UTC)
