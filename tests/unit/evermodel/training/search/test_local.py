import json
import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import joblib
import psutil

from evermodel.training.search.local import local_workers, share_of_cores

ROOT = Path(__file__).parents[5]
CHILD = textwrap.dedent(
    """
    import json, os, pathlib, sys, time
    from evermodel.training.search.local import end_with_parent
    end_with_parent()
    folder, number = pathlib.Path(sys.argv[1]), sys.argv[2]
    seen = {name: os.environ.get(name) for name in ("OMP_NUM_THREADS", "LOKY_MAX_CPU_COUNT", "EVERMODEL_FOLLOWS_STDIN")}
    (folder / f".{number}").write_text(json.dumps(seen | {"pid": os.getpid()}))
    (folder / f".{number}").rename(folder / number)
    time.sleep(60)
    """
)


def wait_for(path):
    for _ in range(500):
        if path.exists():
            return json.loads(path.read_text())
        time.sleep(0.02)
    raise AssertionError(f"{path} did not come")


def ended(pid):
    for _ in range(250):
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.02)
    return False


def command(folder):
    # its number comes last
    return [sys.executable, "-c", CHILD, str(folder)]


def test_one_worker_is_this_process():
    with local_workers(1, ["/no/such/command"], print) as pids:
        assert pids == []


def test_workers_are_started_with_their_share_of_the_cores_and_ended(tmp_path):
    # given two workers beside this process
    said = []
    with local_workers(3, command(tmp_path), said.append) as pids:
        seen = [wait_for(tmp_path / str(number)) for number in (1, 2)]
        # then they are told their share, which is that of this process too
        assert [each["pid"] for each in seen] == pids
        assert {each["OMP_NUM_THREADS"] for each in seen} == {str(share_of_cores(3))}
        assert {each["LOKY_MAX_CPU_COUNT"] for each in seen} == {str(share_of_cores(3))}
        assert all(psutil.pid_exists(pid) for pid in pids)
    # and they are gone afterwards
    assert all(ended(pid) for pid in pids)
    assert said == []


def test_the_cores_are_divided_and_nobody_has_none():
    assert share_of_cores(1) == joblib.cpu_count()
    assert share_of_cores(1000) == 1


def test_a_worker_that_died_is_told_and_is_no_failure(tmp_path):
    said = []
    with local_workers(2, command(tmp_path), said.append) as (pid,):
        wait_for(tmp_path / "1")
        os.kill(pid, 9)
        assert ended(pid)
    assert said == ["worker 1 ended with exit code -9; the others did its work"]


def test_workers_end_when_their_leader_is_killed(tmp_path):
    # given a leader in a process of its own
    program = (
        "import sys, time\nfrom evermodel.training.search.local import local_workers\n"
        f"with local_workers(2, {command(tmp_path)!r}, print):\n    time.sleep(60)"
    )
    leader = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT)
    worker = wait_for(tmp_path / "1")["pid"]
    # when it is killed
    leader.kill()
    leader.wait()
    # then its worker ends too
    assert ended(worker)
