"""Who is measured: how each server is started, where it is asked, and in which form."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.bench.serving import bodies
from tests.bench.serving.bodies import Rows
from tests.bench.serving.setup import HOME, python_of

PEERS = Path(__file__).with_name("peers")
PORT = 18080
MODELS = ("lr", "forest", "xgboost", "mixed")
UNCOMPILED = "neighbours"
"""A model that scikit-learn itself answers: only what happens past saturation is measured with it."""
ROWS = (1, 100)
"""Rows of a request."""
OURS = "evermodel"
V2 = "/v2/models/m/infer"
QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "BENTOML_DO_NOT_TRACK": "True",
    "RAY_USAGE_STATS_ENABLED": "0",
    "PYTHONPATH": str(PEERS),
    "PYTHONDONTWRITEBYTECODE": "1",
}


@dataclass(frozen=True)
class Competitor:
    """A server."""

    name: str
    kind: str
    """ours, peer (what one would use instead), or floor (what nobody would, because it checks nothing)."""
    venv: str
    """Of setup.VENVS; empty for ours."""
    command: Callable[[Path, str], list[str]]
    """From the folder of the model's files and the model's name."""
    path: str
    body: Callable[[Rows], bytes]

    def url(self, model: str) -> str:
        """Where it is asked."""
        return f"http://127.0.0.1:{PORT}{self.path.format(model=model)}"


def _ours(folder: Path, model: str) -> list[str]:
    """As one serves with a store: the log of predictions and the metrics are on."""
    evermodel = str(Path(sys.executable).with_name("evermodel"))
    return [evermodel, "serve", f"{model}-1", "--store", str(folder / "store"), "--port", str(PORT)]


def _script(venv: str, name: str) -> Callable[[Path, str], list[str]]:
    return lambda _folder, _model: [str(python_of(venv)), str(PEERS / name)]


def _uvicorn(application: str, *more: str) -> Callable[[Path, str], list[str]]:
    quiet = ("--no-access-log", "--log-level", "warning", "--host", "127.0.0.1", "--port", str(PORT))
    return lambda _folder, _model: [str(python_of("plain")), "-m", "uvicorn", *quiet, *more, application]


def _granian(_folder: Path, _model: str) -> list[str]:
    told = ("--interface", "rsgi", "--workers", "1", "--host", "127.0.0.1", "--port", str(PORT), "--no-access-log")
    return [str(python_of("plain").with_name("granian")), *told, "--working-dir", str(PEERS), "floor:rsgi"]


def _mlserver(workers: int) -> Callable[[Path, str], list[str]]:
    """MLServer reads its settings from files. Without a worker process (0) it is quickest here; shipped is 1."""

    def command(folder: Path, _model: str) -> list[str]:
        place = HOME / "run" / "mlserver"
        place.mkdir(parents=True, exist_ok=True)
        ports = {"http_port": PORT, "grpc_port": PORT + 1, "metrics_port": PORT + 2}
        settings = {"host": "127.0.0.1", "debug": False, "parallel_workers": workers, **ports}
        (place / "settings.json").write_text(json.dumps(settings))
        parameters = {"uri": str(folder / "model.joblib")}
        model = {"name": "m", "implementation": "mlserver_sklearn.SKLearnModel", "parameters": parameters}
        (place / "model-settings.json").write_text(json.dumps(model))
        return [str(python_of("mlserver").with_name("mlserver")), "start", str(place)]

    return command


def _mlflow(folder: Path, _model: str) -> list[str]:
    told = ("--env-manager", "local", "-h", "127.0.0.1", "-p", str(PORT), "-w", "1")
    return [str(python_of("mlflow").with_name("mlflow")), "models", "serve", "-m", str(folder / "mlflow"), *told]


def _bentoml(_folder: Path, _model: str) -> list[str]:
    told = ("--host", "127.0.0.1", "--port", str(PORT), "--working-dir", str(PEERS))
    return [str(python_of("bentoml").with_name("bentoml")), "serve", "bentoml_service:Service", *told]


_FLOOR = ("--loop", "uvloop", "--http", "httptools", "--lifespan", "off")
ALL = {
    made.name: made
    for made in (
        Competitor(OURS, "ours", "", _ours, "/v2/models/{model}/infer", bodies.tensor),
        Competitor("floor-granian", "floor", "plain", _granian, V2, bodies.tensor),
        Competitor("floor-uvicorn", "floor", "plain", _uvicorn("floor:app", *_FLOOR), V2, bodies.tensor),
        Competitor("fastapi", "peer", "plain", _uvicorn("plain_fastapi:app"), "/predict", bodies.instances),
        Competitor("mlserver", "peer", "mlserver", _mlserver(0), V2, bodies.tensor),
        Competitor("kserve", "peer", "kserve", _script("kserve", "kserve_server.py"), V2, bodies.tensor),
        Competitor("bentoml", "peer", "bentoml", _bentoml, "/predict", bodies.instances),
        Competitor("mlflow", "peer", "mlflow", _mlflow, "/invocations", bodies.scoring),
        Competitor("ray", "peer", "ray", _script("ray", "ray_server.py"), "/predict", bodies.instances),
        Competitor("litserve", "peer", "litserve", _script("litserve", "litserve_server.py"), "/predict", bodies.instances),
    )
}  # fmt: skip
