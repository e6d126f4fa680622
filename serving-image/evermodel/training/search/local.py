"""Workers of a search on one machine: processes that keep to their share of the cores and end with their leader."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

FOLLOWS = "EVERMODEL_FOLLOWS_STDIN"
"""Set for a process that ends when its standard input does."""
PATIENCE = 5.0
"""Seconds in which a worker has to end before it is killed."""
_LIMITS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "LOKY_MAX_CPU_COUNT")


def share_of_cores(workers: int) -> int:
    """Cores that each of the workers may use: what the process may use (cgroup, affinity), divided; at least one."""
    import joblib  # noqa: PLC0415  only where there are several

    return max(1, int(joblib.cpu_count()) // workers)


@contextmanager
def local_workers(workers: int, command: Sequence[str], say: Callable[[str], None]) -> Iterator[list[int]]:
    """Start the workers beside this process, which is number 0, and end them when the block ends.

    A worker that dies is no failure: what it was at is taken over by the others.

    Args:
        workers: how many there are, this one included.
        command: what starts a worker; its number is added as the last argument.
        say: is told of workers that failed.

    Yields:
        Process ids of the workers 1, 2, and so on.
    """
    if workers == 1:
        yield []
        return
    from threadpoolctl import threadpool_limits  # noqa: PLC0415  only where there are several

    share = share_of_cores(workers)
    limits = dict.fromkeys(_LIMITS, str(share))
    processes: list[subprocess.Popen[bytes]] = []
    try:
        # extend takes them one by one: those that were started are ended, should the next one not start
        processes.extend(_start([*command, str(number)], limits) for number in range(1, workers))
        with threadpool_limits(limits=share):
            yield [process.pid for process in processes]
    finally:
        _end(processes)
        for number, process in enumerate(processes, start=1):
            if process.returncode not in {0, -signal.SIGTERM}:  # the signal is ours
                say(f"worker {number} ended with exit code {process.returncode}; the others did its work")


def _start(command: Sequence[str], limits: dict[str, str]) -> subprocess.Popen[bytes]:
    # its standard input is held open and never written to: it ends with this process, however that ends
    return subprocess.Popen(  # noqa: S603  our own command
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        env={**os.environ, **limits, FOLLOWS: "1"},
    )


def _end(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdin is not None:
            process.stdin.close()


def end_with_parent() -> None:
    """In a process that `local_workers` started: end when the leader does, however it ends. Elsewhere: nothing."""
    if os.environ.pop(FOLLOWS, None) is None:
        return

    def follow() -> None:
        while os.read(sys.stdin.fileno(), 1024):
            pass
        os._exit(1)

    threading.Thread(target=follow, name="follow-parent", daemon=True).start()
