"""Makes what the benchmark of model servers needs: `python -m tests.bench.serving.setup [--peers NAME ...]`.

A venv for each peer below `~/.cache/evermodel/bench` (EVERMODEL_BENCH names another place), all with this environment's
versions of scikit-learn and XGBoost, so that all of them load the same models. wrk is Debian's package of that name.
What is there already stays as it is.
"""

# ruff: noqa: T201  what it prints is its answer
import argparse
import importlib.metadata
import os
import shutil
import subprocess
import sys
from pathlib import Path

HOME = Path(os.environ.get("EVERMODEL_BENCH", "~/.cache/evermodel/bench")).expanduser()
SAME = ("scikit-learn", "xgboost-cpu")
"""Distributions that have this environment's version in all venvs."""
VENVS: dict[str, tuple[str, ...]] = {
    "plain": ("fastapi", "uvicorn[standard]", "granian", "orjson", "onnxruntime", "py-spy"),
    # As shipped its worker process does not start with uvloop 0.22: it asks for an event loop that nobody made.
    "mlserver": ("mlserver", "mlserver-sklearn", "uvloop<0.22"),
    "kserve": ("kserve",),
    "bentoml": ("bentoml",),
    "mlflow": ("mlflow",),
    "ray": ("ray[serve]",),
    "litserve": ("litserve",),
}
_DONE = ".evermodel-installed"


def python_of(venv: str) -> Path:
    """The interpreter of a peer's venv."""
    return HOME / venv / "bin" / "python"


def is_made(venv: str) -> bool:
    """Whether all its packages were installed."""
    return (HOME / venv / _DONE).exists()


def make(venv: str) -> bool:
    """Make a venv and install its packages; False, with the reason on standard output, where that fails."""
    if is_made(venv):
        print(f"{venv}: is there", flush=True)
        return True
    uv = str(Path(sys.executable).with_name("uv"))
    same = [f"{name}=={importlib.metadata.version(name)}" for name in SAME]
    steps = [
        [uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(HOME / venv)],
        [
            *(uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", str(python_of(venv))),
            *(*same, "pandas", "joblib", *VENVS[venv]),
        ],
    ]
    for step in steps:
        ran = subprocess.run(step, capture_output=True, text=True, check=False)
        if ran.returncode:
            print(f"{venv}: FAILED\n{ran.stderr[-2000:]}", flush=True)
            return False
    (HOME / venv / _DONE).touch()
    print(f"{venv}: made", flush=True)
    return True


def main() -> int:
    """Make the venvs that are asked for; 1 where one of them, or wrk, is not there in the end."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", nargs="*", choices=list(VENVS), default=list(VENVS), help="venvs (default: all)")
    arguments = parser.parse_args()
    HOME.mkdir(parents=True, exist_ok=True)
    made = [make(venv) for venv in arguments.peers]
    wrk = shutil.which("wrk") is not None
    if not wrk:
        print("wrk: is not there; install the package of that name (apt-get install wrk)", flush=True)
    return 0 if wrk and all(made) else 1


if __name__ == "__main__":
    sys.exit(main())
