"""A copy of a run in MLflow. A mirror that fails is told and never fails the run; the store stays what remembers.

MLflow's client takes its settings and its credentials from the environment of its process, and from files at home. So
it gets a process of its own: one environment for it, an empty home, an end when its time is over, and whatever happens
to it does not happen to the run.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from evermodel.artifact.layout import CARD, LEDGER
from evermodel.artifact.store import read_bytes
from evermodel.data.secrets import read_secret
from evermodel.errors import RunError
from evermodel.training.ledger import Ledger
from evermodel.training.memory import Mirrored, read_mirrored, read_run, write_mirrored
from evermodel_api.base import SecretKey
from evermodel_api.training import MLflow

MIRROR_SECONDS = 120.0
"""A mirror that takes longer is given up."""
ATTEMPTS = 2
"""A pod that died twice in here is not let in again."""
_REQUEST_SECONDS = 10
_REQUEST_RETRIES = 2
_PASSED_ON = (
    "PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "PYTHONPATH", "LD_LIBRARY_PATH",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
)  # fmt: skip
"""What the process gets of this one's environment."""


def mirror_recorded(
    store: str, training: str, run: int, settings: MLflow, secrets: Path, say: Callable[[str], None]
) -> Mirrored:
    """Copy a run whose record is written, and remember that; a repeated pod copies nothing twice. Raises nothing.

    Args:
        store: root of the artifact store.
        training: name of the ModelTraining.
        run: number of the run.
        settings: register.mirror.mlflow of the spec.
        secrets: directory of the Secrets, `<secret>/<key>` below it.
        say: is told what became of it.
    """
    try:
        before = read_mirrored(store, training, run)
        if before is not None and (before.done or before.attempts >= ATTEMPTS):
            return before
        attempts = 1 if before is None else before.attempts + 1
        begun = Mirrored(done=False, message="the copy to MLflow was begun and did not end", attempts=attempts)
        write_mirrored(store, training, run, begun)
        past = read_run(store, f"{training}-{run}")
        documents = {name: read_bytes(uri) for name, uri in past.documents().items() if name in (CARD, LEDGER)}
        result = mirror(past.needed_ledger(), documents, settings, secrets, say)
        result = result.model_copy(update={"attempts": attempts})
        write_mirrored(store, training, run, result)
    except (RunError, OSError) as error:
        result = _failed(settings, str(error))
        say(result.message)
    return result


def mirror(
    ledger: Ledger, documents: Mapping[str, bytes], settings: MLflow, secrets: Path, say: Callable[[str], None]
) -> Mirrored:
    """Copy a run to MLflow; one that was copied before is left as it is. Raises nothing.

    Args:
        ledger: what the run measured.
        documents: files that are uploaded with it, by name.
        settings: register.mirror.mlflow of the spec.
        secrets: directory of the Secrets, `<secret>/<key>` below it.
        say: is told what became of it.
    """
    try:
        result = _copy(ledger, documents, settings, read_credentials(settings, secrets))
    except subprocess.TimeoutExpired:
        result = _failed(settings, f"it took longer than {MIRROR_SECONDS:.0f} seconds")
    except (RunError, OSError) as error:
        result = _failed(settings, str(error))
    say(result.message)
    return result


def _failed(settings: MLflow, cause: str) -> Mirrored:
    message = (
        f"the run could not be copied to MLflow at {settings.tracking_uri}: {cause.rstrip('.')}; "
        "the run itself is not affected: check register.mirror.mlflow"
    )
    return Mirrored(done=False, message=message)


def read_credentials(settings: MLflow, secrets: Path) -> dict[str, str]:
    """What the Secret holds: a token, or username and password; nothing without a Secret.

    Raises:
        SpecError: `SecretKeyMissing`.
    """
    if settings.secret_ref is None:
        return {}
    name = settings.secret_ref.name
    keys = ("token",) if (secrets / name / "token").is_file() else ("username", "password")
    return {key: read_secret(secrets, SecretKey(name=name, key=key)) for key in keys}


def _copy(ledger: Ledger, documents: Mapping[str, bytes], settings: MLflow, credentials: Mapping[str, str]) -> Mirrored:
    with tempfile.TemporaryDirectory(prefix="evermodel-mirror-") as scratch:
        files = Path(scratch, "files")
        files.mkdir()
        for name, content in documents.items():
            (files / name).write_bytes(content)
        wish = {"settings": settings.dump(), "ledger": ledger.dump(), "files": str(files)}
        ended = subprocess.run(
            [sys.executable, "-P", "-m", "evermodel.training.mirror_process"],
            input=json.dumps(wish).encode(),
            capture_output=True,
            env=environment_of(os.environ, credentials, home=scratch),
            timeout=MIRROR_SECONDS,
            check=False,
        )
    return _result(settings, ended)


def _result(settings: MLflow, ended: "subprocess.CompletedProcess[bytes]") -> Mirrored:
    lines = ended.stdout.decode(errors="replace").strip().splitlines()
    try:
        return Mirrored.model_validate_json(lines[-1])
    except (IndexError, ValidationError):
        said = ended.stderr.decode(errors="replace").strip().splitlines()
        return _failed(settings, f"its process ended with {ended.returncode}: {said[-1][:200] if said else 'no word'}")


def environment_of(outer: Mapping[str, str], credentials: Mapping[str, str], *, home: str) -> dict[str, Any]:
    """Environment of the process: MLflow's settings are ours, whatever this process was started with.

    Args:
        outer: environment of this process.
        credentials: username and password, or token.
        home: an empty directory, where nobody keeps credentials for other servers.
    """
    kept = {name: outer[name] for name in _PASSED_ON if name in outer}
    secret = {f"MLFLOW_TRACKING_{name.upper()}": value for name, value in credentials.items()}
    return {
        **kept,
        **secret,
        "HOME": home,
        "MLFLOW_HTTP_REQUEST_TIMEOUT": str(_REQUEST_SECONDS),
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": str(_REQUEST_RETRIES),
        "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
        "MLFLOW_ARTIFACT_UPLOAD_DOWNLOAD_TIMEOUT": str(_REQUEST_SECONDS),
        "MLFLOW_ALLOW_HTTP_REDIRECTS": "false",  # credentials go to the address in the spec and nowhere else
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
    }
