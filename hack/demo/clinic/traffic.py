"""Clients of the example: they ask for predictions and tell the truth afterwards. No request is ever tried again.

One JSON line a second says what they saw:

    python3 -m clinic.traffic run --url http://heart --model heart --rows heart.csv

and from another shell of the same pod they are told how to go on, or to end:

    python3 -m clinic.traffic set --ward-share 0.67 --rate 0
    python3 -m clinic.traffic end
"""

from __future__ import annotations

import argparse
import json
import signal
import threading
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from .client import Client, Target, number_columns
from .tally import Tally
from .ward import Clinic, read_rows

PHASE_FILE = Path("/tmp/phase.json")  # noqa: S108  the pod's own emptyDir
_FIRST_SEED = 1000


@dataclass(frozen=True)
class Phase:
    """How the clients behave."""

    ward_share: float = 0.0
    """Share of the patients who are of the ward."""
    rate: float = 40.0
    """Requests a second of all clients together; 0 is as fast as they can."""
    over: bool = False
    """Whether they shall end."""


def read_phase(path: Path) -> Phase:
    """The phase that was last set, or the first one."""
    try:
        return Phase(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return Phase()


def write_phase(path: Path, phase: Phase) -> None:
    """Set the phase: whoever reads sees the old one or the new one, never half of it."""
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps(asdict(phase)), encoding="utf-8")
    draft.replace(path)


def run(arguments: argparse.Namespace) -> None:
    """Let the clients ask and print the counts once a second, until they are told to end or SIGTERM comes."""
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    rows = read_rows(arguments.rows.read_text(encoding="utf-8").splitlines())
    target = Target.at(arguments.url, arguments.model, number_columns(rows))
    tally = Tally()
    clients = [Client(target, Clinic(rows, _FIRST_SEED + i), tally) for i in range(arguments.clients)]

    def behave() -> Phase:
        phase = read_phase(arguments.phase)
        for client in clients:
            client.ward_share = phase.ward_share
            client.seconds_between = len(clients) / phase.rate if phase.rate else 0.0
        return phase

    phase = behave()
    for client in clients:
        client.start()
    while not phase.over and not stopping.wait(1.0):
        phase = behave()
        print(json.dumps({**tally.snapshot(), **asdict(phase)}), flush=True)
    for client in clients:
        client.stop()
    print(json.dumps({**tally.snapshot(), **asdict(phase)}), flush=True)


def main() -> None:
    """Run the clients, or change how they behave."""
    parser = argparse.ArgumentParser(description="Clients that ask a served model and tell it the truth.")
    parser.add_argument("--phase", type=Path, default=PHASE_FILE, help=argparse.SUPPRESS)
    commands = parser.add_subparsers(dest="command", required=True)
    runs = commands.add_parser("run", help="ask, and print the counts once a second")
    runs.add_argument("--url", required=True)
    runs.add_argument("--model", required=True)
    runs.add_argument("--rows", type=Path, required=True, help="heart.csv")
    runs.add_argument("--clients", type=int, default=2)
    sets = commands.add_parser("set", help="change how the clients of `run` behave")
    sets.add_argument("--ward-share", type=float, required=True, help="share of patients who are of the ward, 0 to 1")
    sets.add_argument("--rate", type=float, required=True, help="requests a second; 0 is as fast as they can")
    commands.add_parser("end", help="end the clients of `run`")
    arguments = parser.parse_args()
    if arguments.command == "run":
        run(arguments)
    elif arguments.command == "set":
        write_phase(arguments.phase, Phase(ward_share=arguments.ward_share, rate=arguments.rate))
    else:
        write_phase(arguments.phase, replace(read_phase(arguments.phase), over=True))


if __name__ == "__main__":
    main()
