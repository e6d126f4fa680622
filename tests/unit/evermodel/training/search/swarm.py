"""A search by real processes that meet in a directory and are killed now and then.

`python -m tests.unit.evermodel.training.search.swarm` takes one JSON document a line: root, workers, trials, sampler,
and the seed of the kills (null: nobody is killed). It answers with the record of the search and what it chose.
"""

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

from evermodel.training.progress import Silent
from evermodel.training.search import tpe, worker
from evermodel.training.search.store_board import StoreBoard
from evermodel.training.search.worker import Worker, run_search
from tests.unit.evermodel.training.search.bench import Formula, plan_of, record

assert tpe.draw_by_tpe  # importing Optuna is what takes long: it is done before the first fork


def start(asked, number):
    child = os.fork()
    if child:
        return child
    try:
        worker.BEAT_EVERY, worker.TICK = 0.2, 0.1
        board = StoreBoard(asked["root"], time.monotonic, stale_after=0.6)
        plan = plan_of(asked["trials"], sampler=asked["sampler"], workers=asked["workers"])
        random.seed()
        found = run_search(plan, Formula(sleeps=0.02), board, Worker(str(number)), Silent())
        if number == 0:
            search = found.search.dump()
            answer = {"record": record(found.trials), "chosen": found.chosen.number, "stopped": search["stoppedBy"]}
            answer["workers"] = sorted({trial.worker for trial in found.trials})
            Path(asked["root"], "answer.json").write_text(json.dumps(answer))
        os._exit(0)
    finally:
        os._exit(9)


def kill_some(asked, pids):
    """Kill workers at random moments; most begin again, the leader always does."""
    chance = random.Random(asked["kills"])
    killed = 0
    for _ in range(6):
        time.sleep(chance.uniform(0, 0.25))
        number = chance.choice(sorted(pids))
        os.kill(pids[number], signal.SIGKILL)
        _, status = os.waitpid(pids.pop(number), 0)
        killed += os.waitstatus_to_exitcode(status) == -signal.SIGKILL
        if number == 0 or chance.random() < 0.7:
            pids[number] = start(asked, number)
    return killed


def main():
    for line in sys.stdin:
        asked = json.loads(line)
        pids = {number: start(asked, number) for number in range(asked["workers"])}
        killed = 0 if asked["kills"] is None else kill_some(asked, pids)
        codes = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids.values()]
        answer = json.loads(Path(asked["root"], "answer.json").read_text())
        sys.stdout.write(json.dumps({**answer, "killed": killed, "codes": codes}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
