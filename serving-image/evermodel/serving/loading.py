"""Loads what a server is to serve: models that have proved themselves, and where their requests and labels are kept."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from evermodel.artifact.records import data_as_of
from evermodel.artifact.store import absolute_uri
from evermodel.serving.engine import ServedModel, load_served_model
from evermodel.serving.feedback import FeedbackLog
from evermodel.serving.hosting import Named
from evermodel.serving.keeping import open_spool
from evermodel.serving.log import LogTarget, PredictionLogger
from evermodel.serving.registry import Hosted
from evermodel.serving.spool.place import MOUNTED, SpoolOptions
from evermodel.serving.spool.spool import Spool
from evermodel_api.deployment import PredictionLog
from evermodel_api.runs import ServingOrder


def host_order(order: ServingOrder, options: SpoolOptions) -> Hosted:
    """Load what a pod is to serve.

    Raises:
        RunError: it cannot be served.
    """
    artifact = order.artifact
    served = load_served_model(
        order.model, order.version, artifact.uri, artifact.digest, allow_pickle=bool(order.allow_pickle)
    )
    spool = open_spool(options.or_directory(Path(MOUNTED)), absolute_uri(order.store))
    log = _logger(order.store, order.deployment, spool, served, order.log)
    labels = FeedbackLog(order.store, order.deployment, spool) if order.feedback.enabled else None
    return Hosted(served, log, labels, data_as_of(order.store, order.version))


def host_versions(
    store: str | None, wanted: Sequence[Named], options: SpoolOptions, as_of: Mapping[str, str]
) -> list[Hosted]:
    """Load what a person named; versions of one model share its labels. `as_of` is that of `Hosted`, by version.

    Raises:
        RunError: one of them cannot be served.
    """
    served = [load_served_model(*named) for named in wanted]
    if store is None:
        return [Hosted(item, as_of=as_of.get(item.version)) for item in served]
    root = absolute_uri(store)
    spool = open_spool(options, root)
    labels = {model: FeedbackLog(root, model, spool) for model in dict.fromkeys(item.model for item in served)}
    logs = [_logger(root, item.model, spool, item, PredictionLog()) for item in served]
    return [
        Hosted(item, log, labels[item.model], as_of.get(item.version)) for item, log in zip(served, logs, strict=True)
    ]


def _logger(
    store: str, deployment: str, spool: Spool, served: ServedModel, settings: PredictionLog
) -> PredictionLogger | None:
    if settings.sample == 0:
        return None
    return PredictionLogger(LogTarget(store, deployment, served.version), served.signature, settings, spool)
