"""The order of a run that starts now: what it meets, and what it would be the same as. Pure."""

from datetime import datetime

from evermodel_api.digest import spec_digest
from evermodel_api.runs import ChampionRef, LastRun, Outcome, TrainingOrder
from evermodel_api.training import Cause, PastRun, TrainingSpec
from evermodel_api.version import Stage, VersionSpec
from evermodel_operator.children.pod import store_root
from evermodel_operator.children.run_pod import with_exchange
from evermodel_operator.kinds.reading import name_of, read_spec
from evermodel_operator.plan import Object
from evermodel_operator.settings import Settings

_WITH_ROWS = frozenset({Outcome.SUCCEEDED, Outcome.REFUSED, Outcome.SKIPPED})
"""Outcomes of runs that read their rows to the end."""


def training_order(
    training: Object, spec: TrainingSpec, number: int, cause: Cause, settings: Settings, now: datetime
) -> TrainingOrder:
    """What run `number` does, wherever there are versions or not (`meeting` adds those)."""
    namespace = str(training["metadata"]["namespace"])
    return TrainingOrder(
        namespace=namespace,
        training=name_of(training),
        run=number,
        spec=spec,
        spec_digest=spec_digest(spec),
        store=store_root(settings, namespace),
        as_of=now,
        cause=cause,
        image=settings.runtime_image,
        allow_pickle=settings.artifacts.allow_pickle,
    )


def meeting(
    order: TrainingOrder, versions: list[Object], fresh: list[VersionSpec], runs: list[PastRun], settings: Settings
) -> TrainingOrder:
    """The order with the champion that it meets and the last run that it may be the same as.

    Args:
        order: As of `training_order`.
        versions: The ModelVersions of the training.
        fresh: Versions that have no ModelVersion yet.
        runs: Runs that ended, newest first.
        settings: What the installer decided.
    """
    recorded = [spec for version in versions if not isinstance(spec := read_spec(VersionSpec, version), str)]
    newest = max([*recorded, *fresh], key=lambda spec: spec.version, default=None)
    met = order.model_copy(
        update={
            "champion": _champion(versions),
            "last": _last(newest, runs) if newest is not None else None,
        }
    )
    return with_exchange(met, settings)


def champion_name(versions: list[Object]) -> str | None:
    """The version that serves, or would."""
    champion = _champion_of(versions)
    return name_of(champion) if champion is not None else None


def _champion_of(versions: list[Object]) -> Object | None:
    champions = [version for version in versions if version.get("status", {}).get("stage") == Stage.CHAMPION]
    return max(champions, key=lambda version: int(version["spec"]["version"]), default=None)


def _champion(versions: list[Object]) -> ChampionRef | None:
    champion = _champion_of(versions)
    if champion is None:
        return None
    spec = champion["spec"]
    return ChampionRef.model_validate(
        {"version": name_of(champion), "artifact": spec["artifact"], "image": spec["image"]}
    )


def _last(newest: VersionSpec, runs: list[PastRun]) -> LastRun:
    """The run that made the newest version, or one after it that found the same.

    A run that was skipped found the data, spec and image of the one before it. What a node calls an image and what the
    settings call it are different words for the same, so the settings' word is taken where a run remembers it.
    """
    latest = next((run for run in runs if run.outcome in _WITH_ROWS and int(run.id) >= newest.version), None)
    return LastRun(
        run=newest.version,
        spec_digest=newest.training.spec_digest,
        data_digest=newest.training.data_digest,
        image=(latest.image if latest is not None else None) or newest.image,
    )
