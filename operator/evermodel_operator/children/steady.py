"""What keeps a version's pods in number: the HorizontalPodAutoscaler and the PodDisruptionBudget."""

from evermodel_api.deployment import Autoscaling
from evermodel_operator import labels
from evermodel_operator.children.metadata import metadata
from evermodel_operator.children.pod import CONTAINER
from evermodel_operator.children.serving import serving_selector
from evermodel_operator.plan import Object


def autoscaler(owner: Object, wish: Autoscaling) -> Object:
    """It scales the ModelDeployment itself, through its scale subresource: so its number outlives every version."""
    name = owner["metadata"]["name"]
    cpu = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": wish.target_cpu}}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": metadata(owner, name, {**labels.common("serving"), labels.DEPLOYMENT: name}),
        "spec": {
            "scaleTargetRef": {"apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": name},
            "minReplicas": wish.min,
            "maxReplicas": wish.max,
            # By container: what sidecars use and ask for is not the model's load.
            "metrics": [{"type": "ContainerResource", "containerResource": {**cpu, "container": CONTAINER}}],
        },
    }


def disruption_budget(owner: Object, version: str) -> Object:
    """A drained node takes one ready pod of the live version at a time; pods that are not ready hold nothing up."""
    name = owner["metadata"]["name"]
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": metadata(owner, name, {**labels.common("serving"), labels.DEPLOYMENT: name}),
        "spec": {
            "maxUnavailable": 1,
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
            "selector": {"matchLabels": serving_selector(name, version)},
        },
    }
