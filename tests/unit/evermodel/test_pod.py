"""A pod that is told to end ends at once, whatever it is doing."""

import signal
import subprocess
import sys

import pytest

BUSY = {
    "in Python": "while True: pass",
    "in C, for minutes": "import hashlib; hashlib.pbkdf2_hmac('sha256', b'', b'', 10**9)",
    "asleep": "import time; time.sleep(600)",
}


@pytest.mark.parametrize("work", BUSY.values(), ids=BUSY)
def test_a_process_ends_at_once_when_it_is_told_to(work: str):
    # given a process as it works in a pod
    code = f"from evermodel.pod import end_on_sigterm; end_on_sigterm(); print('works', flush=True); {work}"
    if work.startswith("while"):
        code = code.replace("; while", "\nwhile")
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "works\n"
        # when Kubernetes tells it to end
        process.send_signal(signal.SIGTERM)
        # then it does, and says by its code that it was told to: neither killed nor wrong
        try:
            assert process.wait(timeout=10) == 143
        finally:
            process.kill()
