"""`make demo`: the whole life of a model on a real Kubernetes, told as it happens. Ends with 1 if a step is missing."""

from __future__ import annotations

import argparse
import sys

from hack.demo import diagnosis, machine
from hack.demo.checks import Check, all_checks
from hack.demo.clients import Clients
from hack.demo.kubectl import Kubectl, KubectlError
from hack.demo.narrate import Narrator
from hack.demo.stage import MANIFESTS, NAMESPACE, Stage
from hack.demo.story import Hand, steps
from hack.demo.watch import StoryError, Watcher, looking


def tell(prepared: machine.Prepared, narrator: Narrator, namespace: str, *, keep_clients: bool = False) -> list[Check]:
    """Play the whole story in a namespace of its own; the checks at its end.

    Raises:
        StoryError: a step did not happen.
        KubectlError: the cluster refused something.
    """
    kubectl = Kubectl(prepared.kubectl, namespace)
    stage, clients = Stage(kubectl, prepared.images), Clients(kubectl)
    narrator.chapter("The clinic")
    narrator.waiting(f"removing what an earlier story left in the namespace {namespace}")
    stage.clear()
    rows = stage.set_up()
    narrator.say(f"PostgreSQL runs in the namespace {namespace} and holds {rows} patients with their diagnoses")
    stage.start_clients()
    clients.listen()
    narrator.say("two clients wait for somebody who answers at http://heart")
    narrator.chapter("The loop")
    watcher = Watcher(looking(kubectl, clients), narrator)
    watcher.seen.moments["applied"] = watcher.now()
    stage.apply_manifests()
    narrator.say(f"kubectl apply of {', '.join(MANIFESTS)}")
    watcher.watch(steps(Hand(stage, clients, narrator)))
    if not keep_clients:
        clients.end()
    watcher.seen.look(looking(kubectl, clients)())
    return all_checks(watcher.seen)


def conclude(narrator: Narrator, kubectl: Kubectl, checks: list[Check]) -> int:
    """Print the checks, the table, and where to look next; the exit status."""
    narrator.chapter("What must hold")
    for check in checks:
        narrator.check(check.passed, check.name, check.detail)
    narrator.chapter(f"kubectl get evermodel --namespace {kubectl.namespace}")
    narrator.plain(kubectl("get", "evermodel"))
    narrator.chapter("Look around")
    narrator.plain(
        "  python3 -m hack.cluster kubectl --namespace clinic describe driftmonitor heart\n"
        "  python3 -m hack.cluster kubectl --namespace clinic get modelversion heart-2 --output yaml\n"
        "  python3 -m hack.cluster kubectl --namespace clinic get events --sort-by=.lastTimestamp\n"
        "  make cluster-down                 removes the cluster and everything that it made"
    )
    return 0 if all(check.passed for check in checks) else 1


def main() -> int:
    """Prepare the machine, tell the story, check what must hold."""
    parser = argparse.ArgumentParser(prog="python3 -m hack.demo", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="let the clients go on asking when the story is over")
    parser.add_argument("--story", action="store_true", help="only the story: the operator is installed already")
    arguments = parser.parse_args()
    narrator = Narrator()
    kubectl = None
    try:
        prepared = machine.installed() if arguments.story else machine.prepare(narrator)
        kubectl = Kubectl(prepared.kubectl, NAMESPACE)
        return conclude(narrator, kubectl, tell(prepared, narrator, NAMESPACE, keep_clients=arguments.keep))
    except (machine.MachineError, StoryError, KubectlError) as error:
        narrator.say(f"STOPPED: {error}")
        if kubectl is not None:
            narrator.chapter("What the objects say")
            narrator.plain(diagnosis.report(kubectl))
        return 1
    except KeyboardInterrupt:
        narrator.say("interrupted: run the same command again, it goes on from what is there")
        return 130


if __name__ == "__main__":
    sys.exit(main())
