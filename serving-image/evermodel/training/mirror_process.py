"""The process that speaks to MLflow: a wish on standard input, `Mirrored` on standard output. See mirror.py."""

import contextlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from evermodel.training.ledger import Ledger
from evermodel.training.memory import Mirrored
from evermodel.training.mirror_copy import AS_OF_TAG, RUN_TAG, TRIAL_TAG, Point, RunCopy, model_tags, run_copy
from evermodel_api.training import MLflow

if TYPE_CHECKING:
    from mlflow.entities import Run
    from mlflow.tracking import MlflowClient

_POINTS_AT_ONCE = 900
_PARAMS_AT_ONCE = 100
"""What a tracking server takes in one request."""
_PARENT_TAG = "mlflow.parentRunId"
_ENDED = ("FINISHED", "FAILED", "KILLED")


def main() -> None:
    """Copy, and answer."""
    wish = json.load(sys.stdin)
    settings = MLflow.model_validate(wish["settings"])
    ledger = Ledger.model_validate(wish["ledger"])
    with contextlib.redirect_stdout(sys.stderr):  # MLflow prints: standard output is for the answer alone
        result = copy_run(ledger, settings, Path(wish["files"]))
    sys.stdout.write(f"{result.model_dump_json(by_alias=True)}\n")


def copy_run(ledger: Ledger, settings: MLflow, files: Path) -> Mirrored:
    """Copy a run; what of it is there already stays as it is. The run ends in MLflow when all of it is there."""
    for heavy in ("pandas", "numpy"):  # nothing here needs them, and a run's pod may have little memory left
        sys.modules.setdefault(heavy, None)  # type: ignore[arg-type]
    from mlflow.exceptions import MlflowException  # noqa: PLC0415  after the environment and the modules are set
    from mlflow.tracking import MlflowClient  # noqa: PLC0415

    client = MlflowClient(tracking_uri=settings.tracking_uri, registry_uri=settings.tracking_uri)
    copy = run_copy(ledger)
    try:
        experiment = _experiment(client, settings.experiment or ledger.training)
        run = _find_run(client, experiment, copy) or _create_run(client, experiment, copy)
        notes = []
        if run.info.status != "FINISHED":
            notes = _fill(client, experiment, run, copy, settings, files)
        version = _register(client, run, ledger, settings)
        if run.info.status != "FINISHED":
            client.set_terminated(run.info.run_id, "FINISHED", end_time=copy.ended)
    except MlflowException as error:
        return _failed(settings, str(error))
    return _done(settings, experiment, run, version, notes)


def _done(settings: MLflow, experiment: str, run: "Run", version: str | None, notes: list[str]) -> Mirrored:
    url = f"{settings.tracking_uri.rstrip('/')}/#/experiments/{experiment}/runs/{run.info.run_id}"
    registered = f", as version {version} of {settings.registered_model}" if version else ""
    message = "; ".join([f"copied to MLflow: {url}{registered}", *notes])
    return Mirrored(done=True, message=message, run=run.info.run_id, url=url, model_version=version)


def _failed(settings: MLflow, said: str) -> Mirrored:
    """Why it failed, short: MLflow's own sentences hold whole pages at times."""
    cause = " ".join(said.split())
    if "401" in cause or "403" in cause:
        named = f"those in the Secret {settings.secret_ref.name}" if settings.secret_ref else "none: give secretRef"
        cause = f"it refuses the credentials ({named})"
    elif "Max retries exceeded" in cause or "Connection" in cause or "timed out" in cause:
        cause = "it cannot be reached"
    message = (
        f"the run could not be copied to MLflow at {settings.tracking_uri}: {cause[:300]}; "
        "the run itself is not affected: check register.mirror.mlflow"
    )
    return Mirrored(done=False, message=message)


def _experiment(client: "MlflowClient", name: str) -> str:
    """Id of the experiment, made where it is not there; two runs may make it at the same moment."""
    from mlflow.exceptions import MlflowException  # noqa: PLC0415

    found = client.get_experiment_by_name(name)
    if found is None:
        with contextlib.suppress(MlflowException):
            return str(client.create_experiment(name))
        found = client.get_experiment_by_name(name)
    if found is None or found.lifecycle_stage != "active":
        raise MlflowException(f"the experiment {name!r} is deleted or cannot be made; restore it or name another")
    return str(found.experiment_id)


def _find_run(client: "MlflowClient", experiment: str, copy: RunCopy) -> "Run | None":
    wanted = " and ".join(f"tags.`{tag}` = '{copy.tags[tag]}'" for tag in (RUN_TAG, AS_OF_TAG))
    runs = client.search_runs([experiment], wanted, max_results=1)
    return runs[0] if runs else None


def _create_run(client: "MlflowClient", experiment: str, copy: RunCopy) -> "Run":
    tags = {**copy.tags, "mlflow.note.content": copy.description, "mlflow.source.name": "evermodel"}
    return client.create_run(experiment, copy.started, {**tags, "mlflow.user": "evermodel"}, copy.name)


def _fill(
    client: "MlflowClient", experiment: str, run: "Run", copy: RunCopy, settings: MLflow, files: Path
) -> list[str]:
    """Everything in it; what could not be copied, as sentences."""
    run_id = run.info.run_id
    _log(client, run_id, copy.params, copy.points, copy.started)
    there = _trials_there(client, experiment, run_id)
    for trial in copy.trials:
        status, found = there.get(str(trial.number), ("", ""))
        if status in _ENDED:
            continue
        if not found:
            tags = {**trial.tags, _PARENT_TAG: run_id, "mlflow.user": "evermodel"}
            found = client.create_run(experiment, copy.started, tags, trial.name).info.run_id
        _log(client, found, trial.params, trial.points, copy.started)
        client.set_terminated(found, trial.status, end_time=copy.ended)
    return _upload(client, run, settings, files)


def _trials_there(client: "MlflowClient", experiment: str, parent: str) -> dict[str, tuple[str, str]]:
    """Status and id of the nested runs that there are, by their trial's number."""
    runs = client.search_runs([experiment], f"tags.`{_PARENT_TAG}` = '{parent}'", max_results=1000)
    return {run.data.tags.get(TRIAL_TAG, ""): (run.info.status, run.info.run_id) for run in runs}


def _log(client: "MlflowClient", run_id: str, params: dict[str, str], points: list[Point], moment: int) -> None:
    """All points have the moment of the run, so that logging them again changes nothing."""
    from mlflow.entities import Metric, Param  # noqa: PLC0415

    listed = [Param(key, value) for key, value in params.items()]
    metrics = [Metric(point.key, point.value, moment, point.step) for point in points]
    client.log_batch(run_id, metrics[:_POINTS_AT_ONCE], listed[:_PARAMS_AT_ONCE])
    for i in range(_POINTS_AT_ONCE, len(metrics), _POINTS_AT_ONCE):
        client.log_batch(run_id, metrics[i : i + _POINTS_AT_ONCE])
    for i in range(_PARAMS_AT_ONCE, len(listed), _PARAMS_AT_ONCE):
        client.log_batch(run_id, params=listed[i : i + _PARAMS_AT_ONCE])


def _upload(client: "MlflowClient", run: "Run", settings: MLflow, files: Path) -> list[str]:
    """Upload through the tracking server, which is where our credentials may go."""
    place = urlsplit(run.info.artifact_uri)
    if place.scheme != "mlflow-artifacts" or place.netloc not in ("", urlsplit(settings.tracking_uri).netloc):
        there = run.info.artifact_uri
        return [f"nothing was uploaded: the server keeps artifacts at {there} itself; start it with --serve-artifacts"]
    for path in sorted(files.iterdir()):
        client.log_artifact(run.info.run_id, str(path))
    return []


def _register(client: "MlflowClient", run: "Run", ledger: Ledger, settings: MLflow) -> str | None:
    """Number of the registered model's version; None where none is wanted, or a gate refused the version."""
    name, artifact = settings.registered_model, ledger.artifact
    if name is None or artifact is None or ledger.version is None or ledger.outcome != "Succeeded":
        return None
    from mlflow.exceptions import MlflowException  # noqa: PLC0415

    with contextlib.suppress(MlflowException):  # it is there; if not, the next line says why
        client.create_registered_model(name)
    there = client.search_model_versions(f"run_id = '{run.info.run_id}'")
    found = [version for version in there if version.name == name]
    if found:
        return str(found[0].version)
    source = _source(artifact.uri, run)
    tags: dict[str, Any] = model_tags(ledger)
    made = client.create_model_version(
        name, source, run.info.run_id, tags=tags, description=ledger.message, await_creation_for=0
    )
    return str(made.version)


def _source(uri: str, run: "Run") -> str:
    """Where the bytes lie. A tracking server takes no path of another machine: then the run's own documents."""
    return str(run.info.artifact_uri) if uri.startswith("file:") else uri


if __name__ == "__main__":
    main()
