import json
import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import joblib
import psutil
import pytest

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
    time.sleep(float(sys.argv[3]) if len(sys.argv) > 3 else 60)
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
