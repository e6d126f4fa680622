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
REPRODUCTION = f"{GROUP}/reproduction"
"""The ModelVersion that a Job or pod makes again."""
RESERVED_PREFIX = f"{GROUP}/"
"""Begins the labels and annotations that are Evermodel's own."""
QUEUE = "kueue.x-k8s.io/queue-name"
"""By this Kueue knows that a Job waits for room in a LocalQueue."""

APPLIED = f"{GROUP}/applied"
"""Annotation of every child: digest of the manifest that was applied."""
ORDER_DIGEST = f"{GROUP}/order"
"""Annotation: digest of the order that a pod was started with."""
RUN_RECORD = f"{GROUP}/run-record"
"""Annotation of a training Job: what is needed to record its run, even if the operator died meanwhile."""
APPROVE = f"{GROUP}/approve"
"""Annotation of a ModelVersion, set by a person: yes or no."""
REPRODUCE = f"{GROUP}/reproduce"
"""Annotation of a ModelVersion, set by a person: make it again, for each new value once. And of the Job that does."""
RETRAIN_PREFIX = f"retrain.{GROUP}/"
"""Annotations of a ModelTraining, set by people: retrain.evermodel.dev/<asker>=<anything new>."""

COMPLETION_INDEX = "batch.kubernetes.io/job-completion-index"
"""Label of the pods of an Indexed Job, by Kubernetes: the pod with index 0 leads."""


def common(component: str) -> dict[str, str]:
    """Labels of every child; `component` is training, serving, monitoring or storage."""
    return {"app.kubernetes.io/name": "evermodel", MANAGED_BY: OPERATOR, COMPONENT: component}
