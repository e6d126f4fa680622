"""`make demo`: the whole life of a model on a real Kubernetes, told as it happens. Ends with 1 if a step is missing."""

from __future__ import annotations

import argparse
import sys

from hack.demo import diagnosis, machine
from hack.demo.checks import Check, all_checks
from hack.demo.kubectl import Kubectl, KubectlError
from hack.demo.narrate import Narrator
from hack.demo.play import Play
from hack.demo.stage import NAMESPACE
from hack.demo.watch import StoryError


def conclude(narrator: Narrator, kubectl: Kubectl, checks: list[Check]) -> int:
    """Print the checks, the table, and where to look next; the exit status."""
    narrator.chapter("What must hold")
    for check in checks:
        narrator.check(check.passed, check.name, check.detail)
    narrator.chapter(f"kubectl get evermodel --namespace {kubectl.namespace}")
    narrator.plain(kubectl("get", "evermodel"))
    narrator.chapter("Look around")
    called, here = "python3 -m hack.cluster kubectl", f"--namespace {kubectl.namespace}"
    narrator.plain(
        f"  {called} describe driftmonitor heart {here}\n"
        f"  {called} get modelversion heart-2 {here} --output yaml\n"
        f"  {called} get events {here} --sort-by=.lastTimestamp\n"
        "  make demo            tells it again    make cluster-down    removes the cluster and all that it made"
    )
    return 0 if all(check.passed for check in checks) else 1


def main() -> int:
    """Prepare the machine, tell the story, check what must hold."""
    parser = argparse.ArgumentParser(prog="python3 -m hack.demo", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="let the clients go on asking when the story is over")
    parser.add_argument("--story", action="store_true", help="only the story: the operator is installed already")
    arguments = parser.parse_args()
    narrator = Narrator()
    play = None
    try:
        prepared = machine.installed() if arguments.story else machine.prepare(narrator)
        play = Play(prepared, narrator, NAMESPACE)
        play.set_stage()
        play.tell()
        play.end(keep_clients=arguments.keep)
        return conclude(narrator, play.kubectl, all_checks(play.seen))
    except (machine.MachineError, StoryError, KubectlError) as error:
        narrator.say(f"STOPPED: {error}")
        if play is not None:
            narrator.chapter("What the objects say")
            narrator.plain(diagnosis.report(play.kubectl))
        return 1
    except KeyboardInterrupt:
        narrator.say("interrupted: run the same command again, it goes on from what is there")
        return 130


if __name__ == "__main__":
    sys.exit(main())
