"""One of several serving processes: `python -m evermodel.serving.process`, started by `processes.py` only."""

import os
import signal
import socket
import sys
import threading

from evermodel.native import settle

signal.signal(signal.SIGINT, signal.SIG_DFL)  # a parent that gives up before this process listens ends it, and no more
settle()


def main() -> int:
    """Serve as the parent says; the exit code."""
    from evermodel.errors import RunError  # noqa: PLC0415  after `settle`, like all that imports numpy
    from evermodel.serving.counters import Counters  # noqa: PLC0415
    from evermodel.serving.processes import read_task, report_failure, report_ready  # noqa: PLC0415
    from evermodel.serving.server import Place, run_process  # noqa: PLC0415
    from evermodel.serving.switches import make_hooks  # noqa: PLC0415

    task = read_task(0)
    threading.Thread(target=_end_with_parent, name="evermodel-parent", daemon=True).start()
    counters = Counters(task.layout, task.process, task.counters)
    with socket.socket(fileno=task.listener) as listener:
        try:
            hooks = make_hooks(task.switches)
            place = Place(listener, counters, task.drain_seconds, hooks, task.grpc, again=task.again)
            run_process(place, task.plan.load, lambda: report_ready(task.report))
        except RunError as error:
            report_failure(task.report, error)
            return int(error.code)
    return 0


def _end_with_parent() -> None:
    """Drain when the parent is gone: nobody would pass on a signal any more."""
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
