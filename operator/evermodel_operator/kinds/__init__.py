"""The four reconcilers: each observes from the cache and plans; nothing here does I/O."""

from evermodel_operator.kinds import deployment, monitor, training, version

KINDS = {
    "ModelTraining": (training.observe, training.plan),
    "ModelVersion": (version.observe, version.plan),
    "ModelDeployment": (deployment.observe, deployment.plan),
    "DriftMonitor": (monitor.observe, monitor.plan),
}
"""Kind -> (observe, plan)."""
