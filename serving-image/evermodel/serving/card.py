"""The card of a served model: what a person or a client may know of it, as one JSON document."""

from typing import Any

from evermodel.serving.engine import ServedModel
from evermodel.serving.registry import Hosted


def properties(served: ServedModel) -> dict[str, str]:
    """What the protocol's metadata say beyond inputs and outputs; texts only."""
    documents = served.documents
    return {
        "task": documents.signature.task.value,
        "target": documents.signature.target,
        "algorithm": documents.manifest.estimator,
        "engine": served.engine.name,
        "digest": documents.digest,
        "missing_values": "null",
    }


def card(hosted: Hosted, versions: list[str]) -> dict[str, Any]:
    """The card: identity, signature, what it scored on its test rows, and one golden row as an example."""
    served = hosted.served
    signature, golden = served.signature, served.documents.golden
    document: dict[str, Any] = {
        "model_name": served.model,
        "model_version": served.version,
        "versions": versions,
        **properties(served),
        "columns": [column.dump() for column in signature.columns],
        "classes": signature.classes,
        "metrics": served.documents.baseline.metrics,
        "training_rows": served.documents.baseline.rows,
        "data_digest": served.documents.evaluation.get("dataDigest"),
        "data_as_of": hosted.as_of,
        "feedback": hosted.feedback is not None,
        "reasons": served.reasons.summary(),
    }
    if golden.rows:
        row = dict(zip(signature.names, golden.rows[0], strict=True))
        document["example"] = {"row": row, "prediction": golden.predictions[0]}
    return document
