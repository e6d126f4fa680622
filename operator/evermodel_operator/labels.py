"""Labels and annotations: how children are found, and what travels on them."""

from evermodel_api import GROUP

MANAGED_BY = "app.kubernetes.io/managed-by"
COMPONENT = "app.kubernetes.io/component"
OPERATOR = "evermodel"
MANAGED_SELECTOR = f"{MANAGED_BY}={OPERATOR}"
"""What the watches of children are narrowed to."""
TRAINING = f"{GROUP}/training"
RUN = f"{GROUP}/run"
DEPLOYMENT = f"{GROUP}/deployment"
VERSION = f"{GROUP}/version"
MONITOR = f"{GROUP}/monitor"
EVALUATION = f"{GROUP}/evaluation"

APPLIED = f"{GROUP}/applied"
"""Annotation of every child: digest of the manifest that was applied."""
ORDER_DIGEST = f"{GROUP}/order"
"""Annotation: digest of the order that a pod was started with."""
RUN_RECORD = f"{GROUP}/run-record"
"""Annotation of a training Job: what is needed to record its run, even if the operator died meanwhile."""
APPROVE = f"{GROUP}/approve"
"""Annotation of a ModelVersion, set by a person: yes or no."""
RETRAIN_PREFIX = f"retrain.{GROUP}/"
"""Annotations of a ModelTraining, set by people: retrain.evermodel.dev/<asker>=<anything new>."""


def common(component: str) -> dict[str, str]:
    """Labels of every child; `component` is training, serving, monitoring or storage."""
    return {"app.kubernetes.io/name": "evermodel", MANAGED_BY: OPERATOR, COMPONENT: component}
