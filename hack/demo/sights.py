"""What the story waits for, one function for each: a sentence once it can be seen, None before. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hack.demo.world import NAME

if TYPE_CHECKING:
    from hack.demo.world import World


def failed_run(world: World) -> str | None:
    """Why the story cannot go on: a run failed or was refused."""
    for run in world.status("ModelTraining").get("runs", []):
        if run["outcome"] != "Succeeded":
            return f"run {run['id']} of {NAME} ended as {run['outcome']}: {run.get('message', '')}"
    return None


def run_began(world: World, number: int) -> str | None:
    """A run was started, and why."""
    run = world.run(number)
    if run is None:
        return None
    return f"run {number} of {NAME} began: {run['cause']['reason']}, asked by {run['cause']['by']}"


def trained(world: World, number: int) -> str | None:
    """A version was made: what won, what it scored, what the gates said."""
    version = world.find("ModelVersion", f"{NAME}-{number}")
    if version is None:
        return None
    spec = version["spec"]
    scores = ", ".join(f"{name} {float(spec['metrics'][name]):.3f}" for name in ("roc_auc", "accuracy"))
    gates = "; ".join(_gate(gate) for gate in spec["gates"])
    return f"{NAME}-{number} trained: {spec['algorithm']} won the cross-validation, {scores}. Gates: {gates}"


def _gate(gate: dict[str, Any]) -> str:
    verdict = "holds" if gate["passed"] else "REFUSED"
    if gate["rule"] in {"min", "max"}:
        return f"{gate['metric']} {gate['rule']} {gate['limit']} {verdict}"
    if gate.get("champion") is None:
        return f"{gate['metric']} {gate['rule']} {verdict}, there is no champion yet"
    return f"{gate['metric']} {gate['value']} against the champion's {gate['champion']}: {gate['rule']} {verdict}"


def rolling_out(world: World, number: int) -> str | None:
    """The pods of a version are being started."""
    candidate = world.status("ModelDeployment").get("candidate") or {}
    if candidate.get("version") != f"{NAME}-{number}":
        return None
    return f"{NAME}-{number} is rolled out: its pods start while the old ones answer"


def live(world: World, number: int) -> str | None:
    """The Service sends its traffic to a version."""
    status = world.status("ModelDeployment")
    now = status.get("live") or {}
    if now.get("version") != f"{NAME}-{number}" or not now.get("replicas"):
        return None
    wanted = (world.find("ModelDeployment") or {})["spec"]["replicas"]
    return f"{NAME}-{number} is live: {now['replicas']} of {wanted} pods are ready behind {status.get('url')}"


def answered(world: World, number: int) -> str | None:
    """Clients got an answer of a version."""
    answers = world.clients.get("versions", {}).get(f"{NAME}-{number}")
    if not answers:
        return None
    counts = f"{world.clients['requests']} requests, {world.clients['failed']} failed"
    return f"clients are answered by {NAME}-{number} ({counts}, p99 {world.clients['p99']} ms)"


def healthy(world: World, number: int) -> str | None:
    """The monitor finds nothing wrong with a version."""
    return _verdict(world, number, "Healthy")


def suspect(world: World, number: int) -> str | None:
    """The monitor found something once."""
    return _verdict(world, number, "Suspect")


def _verdict(world: World, number: int, state: str) -> str | None:
    status = world.status("DriftMonitor")
    verdict = status.get("verdict") or {}
    if verdict.get("state") != state or (status.get("reference") or {}).get("version") != f"{NAME}-{number}":
        return None
    rows = (status.get("window") or {}).get("rows", 0)
    return f"the monitor finds {NAME}-{number} {state.upper()} on {rows} rows: {verdict.get('message', '')}"


def fired(world: World, number: int) -> str | None:
    """The monitor asks for a retraining because of a version."""
    status = world.status("DriftMonitor")
    request = status.get("request") or {}
    if request.get("version") != f"{NAME}-{number}":
        return None
    found = "; ".join(f"{item['column']} {item['effect']}, limit {item['limit']}" for item in _top(status))
    return f"the monitor FIRES and asks for a retraining, cause {request['cause']}: {found}"


def _top(status: dict[str, Any]) -> list[dict[str, str]]:
    return list((status.get("verdict") or {}).get("top", []))[:3]


def retired(world: World, number: int) -> str | None:
    """A version is retired, and its pods are gone."""
    name = f"{NAME}-{number}"
    pods = [pod for pod in world.all("Pod", version=name) if "deployment" in str(pod["metadata"].get("labels"))]
    if world.status("ModelVersion", name).get("stage") != "Retired" or pods:
        return None
    return f"{name} is retired: its pods were drained and removed"
