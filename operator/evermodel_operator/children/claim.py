"""The PersistentVolumeClaim that holds a namespace's artifacts, where no object store is used."""

from evermodel_operator.labels import common
from evermodel_operator.plan import Object
from evermodel_operator.settings import Settings


def store_claim(settings: Settings, namespace: str) -> Object | None:
    """The claim, or None where the store is not on a volume. It has no owner: models outlive what made them."""
    claim = settings.store.claim
    if claim is None:
        return None
    spec: Object = {
        "accessModes": list(claim.access_modes),
        "resources": {"requests": {"storage": claim.size}},
    }
    if claim.storage_class is not None:
        spec["storageClassName"] = claim.storage_class
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": claim.name, "namespace": namespace, "labels": common("storage")},
        "spec": spec,
    }
