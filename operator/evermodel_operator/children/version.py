"""The ModelVersion that records what a run made."""

from evermodel_api import API_VERSION
from evermodel_api.version import VersionSpec
from evermodel_operator import labels
from evermodel_operator.children.metadata import metadata
from evermodel_operator.plan import Object


def model_version(owner: Object, spec: VersionSpec) -> Object:
    """The record. It belongs to its ModelTraining."""
    name = f"{spec.model}-{spec.version}"
    return {
        "apiVersion": API_VERSION,
        "kind": "ModelVersion",
        "metadata": metadata(owner, name, {labels.MANAGED_BY: labels.OPERATOR, labels.TRAINING: spec.model}),
        "spec": spec.dump(),
    }
