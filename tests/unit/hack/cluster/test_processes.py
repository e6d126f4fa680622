"""Which process is which: real ones, so that a number that was used again is told apart."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import pytest

from hack.cluster.components import Component
from hack.cluster.processes import Processes, called_with, start_time


@pytest.fixture
def sleeper(tmp_path: Path) -> Component:
    file = tmp_path / "settings"
    file.write_text("1")
    return Component("sleeper", (sys.executable, "-c", "import time; time.sleep(60)", str(tmp_path)), (file,))


@pytest.fixture
def processes(tmp_path: Path, sleeper: Component):
    made = Processes(tmp_path)
    yield made
    made.stop(sleeper.name)
    made.end_unrecorded(sleeper)


def wait_until_called(component: Component) -> None:
    for _ in range(200):
        if called_with(component.argv[1:]):
            return
        time.sleep(0.01)
    pytest.fail(f"{component.name} did not start")


def test_a_started_component_runs_until_it_is_stopped(processes: Processes, sleeper: Component, tmp_path: Path):
    pid = processes.start(sleeper, [], tmp_path)
    record = processes.record("sleeper")
    assert record is not None
    assert record.pid == pid
    assert processes.is_current(sleeper)
    processes.stop("sleeper")
    assert processes.record("sleeper") is None
    assert start_time(pid) is None


def test_a_component_whose_file_changed_is_not_current(processes: Processes, sleeper: Component, tmp_path: Path):
    processes.start(sleeper, [], tmp_path)
    sleeper.files[0].write_text("2")
    assert processes.record("sleeper") is not None
    assert not processes.is_current(sleeper)


def test_another_process_with_a_recorded_number_is_left_alone(processes: Processes, sleeper: Component, tmp_path: Path):
    # given a record that says that the process began at another time
    pid = processes.start(sleeper, [], tmp_path)
    file = tmp_path / "processes" / "sleeper.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "started": "1"}))
    # when the component is stopped
    processes.stop("sleeper")
    # then the process still runs
    assert processes.record("sleeper") is None
    assert start_time(pid) is not None


def test_a_process_without_a_record_is_ended_before_another_is_started(
    processes: Processes, sleeper: Component, tmp_path: Path
):
    # given a process whose record was never written
    first = processes.start(sleeper, [], tmp_path)
    wait_until_called(sleeper)
    (tmp_path / "processes" / "sleeper.json").unlink()
    # when the component is started
    second = processes.start(sleeper, [], tmp_path)
    wait_until_called(sleeper)
    # then there is one
    assert start_time(first) is None
    assert start_time(second) is not None


def test_a_broken_record_means_not_running(processes: Processes, tmp_path: Path):
    (tmp_path / "processes").mkdir()
    (tmp_path / "processes" / "sleeper.json").write_text("{")
    assert processes.record("sleeper") is None
