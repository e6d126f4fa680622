"""Events: bounded, counted, and never in the way."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

import pytest

from evermodel_operator.cluster.errors import Forbidden
from evermodel_operator.cluster.events import Recorder
from evermodel_operator.plan import Event

NOW = datetime(2026, 11, 23, 8, 40, tzinfo=UTC)
HEART = {
    "apiVersion": "evermodel.dev/v1alpha1",
    "kind": "ModelTraining",
    "metadata": {"name": "heart", "namespace": "ns", "uid": "u1"},
}
FAILED = Event("Warning", "RunFailed", "the database does not answer")


@pytest.fixture
def recorder(api: Any) -> Recorder:
    return Recorder(api, "pod-1", lambda: NOW)


def events(api: Any) -> list[dict[str, Any]]:
    return list(api.objects.values())


async def test_an_event_says_what_happened_to_whom_and_who_says_so(api: Any, recorder: Recorder):
    await recorder.record(HEART, FAILED)

    (event,) = events(api)
    assert event["note"] == "the database does not answer"
    assert (event["type"], event["reason"], event["action"]) == ("Warning", "RunFailed", "Reconcile")
    assert event["regarding"]["uid"] == "u1"
    assert event["eventTime"] == "2026-11-23T08:40:00.000000Z"
    assert (event["reportingController"], event["reportingInstance"]) == ("evermodel.dev/operator", "pod-1")


async def test_what_is_said_again_is_counted_also_by_another_process(api: Any, recorder: Recorder):
    await recorder.record(HEART, FAILED)
    await recorder.record(HEART, FAILED)
    await Recorder(api, "pod-2", lambda: NOW).record(HEART, FAILED)

    (event,) = events(api)
    assert event["series"] == {"count": 3, "lastObservedTime": "2026-11-23T08:40:00.000000Z"}


async def test_other_words_another_object_and_another_life_of_it_are_other_events(api: Any, recorder: Recorder):
    await recorder.record(HEART, FAILED)
    await recorder.record(HEART, Event("Warning", "RunFailed", "the query was refused"))
    await recorder.record({**HEART, "metadata": {**HEART["metadata"], "uid": "u2"}}, FAILED)  # type: ignore[dict-item]

    assert len(events(api)) == 3


async def test_a_failure_is_logged_and_goes_no_further(api: Any, recorder: Recorder, caplog: pytest.LogCaptureFixture):
    api.fail["create"] = Forbidden("events is forbidden")

    with caplog.at_level(logging.WARNING):
        await recorder.record(HEART, FAILED)

    assert caplog.messages == ["event RunFailed about heart is lost: events is forbidden"]


async def test_a_long_message_is_cut_to_what_the_api_server_takes(api: Any, recorder: Recorder):
    await recorder.record(HEART, Event("Normal", "X", "ä" * 1000))

    (event,) = events(api)
    assert len(event["note"].encode()) <= 1024
    assert event["note"].endswith("ä...")


async def test_the_name_of_an_event_fits_whatever_the_name_of_its_object(api: Any, recorder: Recorder):
    await recorder.record({**HEART, "metadata": {**HEART["metadata"], "name": "h" * 253}}, FAILED)  # type: ignore[dict-item]

    (event,) = events(api)
    assert len(event["metadata"]["name"]) <= 253
