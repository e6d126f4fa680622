"""The long run: `python -m tests.fuzz --cases 100000`."""

import argparse
import tempfile
import time
from pathlib import Path

from tests.fuzz.attack import Attack
from tests.unit.evermodel.serving.conftest import make_line, make_patients, make_rent
from tests.unit.evermodel.serving.test_process import finish, serving


def main() -> None:
    """Make the models, serve them, send the cases, and say what came of it."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--seconds", type=float, default=3600, help="begin nothing new after so many (default %(default)g)"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder)
        models = {made.model: made for made in (make_line(store), make_rent(store), make_patients(store))}
        with serving(*models, "--store", str(store), "--port", "0", "--drain", "0") as server:
            begun = time.monotonic()
            sent = 0

            def note(so_many: int) -> bool:
                nonlocal sent
                sent = so_many
                print(f"{sent} sent after {time.monotonic() - begun:.0f} s", flush=True)  # noqa: T201
                return time.monotonic() - begun < arguments.seconds

            findings = Attack(server.port, models).run(arguments.cases, arguments.seed, note)
            seconds = time.monotonic() - begun
            server.process.terminate()
            code, _, err = finish(server, 60)
    statuses = ", ".join(f"{count} x {status}" for status, count in sorted(findings.statuses.items()))
    print(f"{sent} cases in {seconds:.0f} s; answers: {statuses}")  # noqa: T201
    print(f"{findings.compared} answers ({findings.rows} rows) as scikit-learn's, {findings.worst:.1e} apart at most")  # noqa: T201
    if code != 0 or err:
        raise SystemExit(f"the server ended with {code}: {err[-2000:]}")


if __name__ == "__main__":
    main()
