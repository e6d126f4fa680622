"""The operator's pods on a real Kubernetes: what the API server makes of them, and what the kubelet lets them do."""

from __future__ import annotations

import copy
import json
import sys
import time
import uuid
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from evermodel_api.digest import spec_digest
from evermodel_api.runs import ChampionRef, TrainingOrder, TrainingOutcome
from evermodel_api.training import Algorithm, TrainingSpec, Tuning
from evermodel_api.version import Artifact
from evermodel_operator.children.claim import store_claim
from evermodel_operator.children.job import monitor_job, training_job
from evermodel_operator.children.order import order_config_map
from evermodel_operator.children.serving import serving_deployment
from evermodel_operator.kinds.pods import answer, trouble
from evermodel_operator.settings import Settings
from tests.cases import OBJECTS, changed
from tests.cluster.test_operator_process import Process, eventually, status_of
from tests.unit.evermodel_operator.children.manifests import (
    MANIFESTS,
    PODS,
    SERVED,
    TRAINING,
    monitor_order,
    owner,
    serving_order,
    training_order,
)

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cluster.conftest import Kubectl

pytestmark = [pytest.mark.cluster]

PYTHON = "/opt/evermodel/bin/python"
UNPULLABLE = f"localhost:1/evermodel@sha256:{'c' * 64}"
"""Nobody listens there, so that it cannot be pulled and nothing leaves this machine."""
SMALL = {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "256Mi"}}


@pytest.fixture(scope="module")
def settings(kubectl: Kubectl) -> Settings:
    """Those of the operator that is installed: its image is on the node."""
    found = kubectl.run("get", "configmap", "evermodel", "-n", "evermodel-system", "-o", "json")
    if found.returncode != 0:
        pytest.skip("the operator is not installed, so there is no image to run: make install")
    return Settings.model_validate(yaml.safe_load(json.loads(found.stdout)["data"]["settings.yaml"]))


@pytest.fixture(scope="module")
def other_image(kubectl: Kubectl) -> str:
    """Another image that has a Python: the operator's."""
    found = kubectl.json("get", "deployment", "evermodel", "-n", "evermodel-system")
    return str(found["spec"]["template"]["spec"]["containers"][0]["image"])


def in_namespace(manifest: dict[str, Any], namespace: str) -> dict[str, Any]:
    """Without its owner, which is not there: the garbage collector would take it for an orphan."""
    moved = copy.deepcopy(manifest)
    moved["metadata"]["namespace"] = namespace
    moved["metadata"].pop("ownerReferences", None)
    return moved


def dry_run(kubectl: Kubectl, namespace: str, manifest: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    return kubectl.run("create", "--dry-run=server", "-n", namespace, "-f", "-", given=json.dumps(manifest))


@pytest.mark.usefixtures("kinds")
@pytest.mark.parametrize("name", sorted(MANIFESTS))
def test_the_api_server_takes_every_manifest_as_it_is(kubectl: Kubectl, namespace: str, name: str):
    result = dry_run(kubectl, namespace, in_namespace(MANIFESTS[name](), namespace))

    assert result.returncode == 0, result.stderr
    assert result.stderr == "", "it has no warning either"


@pytest.mark.parametrize("name", PODS)
def test_every_pod_passes_the_restricted_pod_security_standard(kubectl: Kubectl, namespace: str, name: str):
    # given the pod of a manifest, in a namespace that enforces the standard
    spec = copy.deepcopy(MANIFESTS[name]()["spec"]["template"]["spec"])
    for thing in ("runtimeClassName", "priorityClassName", "serviceAccountName"):
        spec.pop(thing, None)  # they name objects that are not in this cluster
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "restricted"}, "spec": spec}
    # when it is created
    result = dry_run(kubectl, namespace, pod)
    # then it is admitted
    assert result.returncode == 0, result.stderr


# Pods that run. Their commands are replaced by scripts: what is looked at is what the pod may do and when its Job ends.


def scripted(container: dict[str, Any], script: str) -> None:
    """Let a container run a script instead of what it is there for."""
    container["command"], container["args"] = [PYTHON, "-c", script], []
    container["resources"] = SMALL
    for thing in ("startupProbe", "readinessProbe", "livenessProbe", "lifecycle"):
        container.pop(thing, None)


def containers_of(template: dict[str, Any]) -> dict[str, dict[str, Any]]:
    spec = template["spec"]
    return {each["name"]: each for each in [*spec["containers"], *spec.get("initContainers", [])]}


PROBE = """
import json, pathlib
from datetime import UTC, datetime
from evermodel.artifact import layout
from evermodel.artifact.store import read_bytes, write_bytes
from evermodel.errors import RunError
store, now = "{store}", datetime.now(UTC)
places = {{
    "artifacts": layout.artifact_directory(store, "aa") + "/{who}.json",
    "runs": layout.record_file(store, "{who}", 1),
    "log": layout.log_file(store, "heart", "heart-1", now, "{who}.parquet"),
    "feedback": layout.feedback_file(store, "heart", now, "{who}.parquet"),
    "reports": layout.report_file(store, "heart", "{who}"),
}}
found = {{}}
for name, place in places.items():
    try:
        write_bytes(place, b"{who}")
        found[name] = read_bytes(place).decode()
    except RunError as error:
        found[name] = str(error)
try:
    found["read"] = read_bytes(layout.artifact_directory(store, "aa") + "/training.json").decode()
except FileNotFoundError:
    found["read"] = "nothing there"
pathlib.Path("/dev/termination-log").write_text(json.dumps(found))
"""


def probe(kubectl: Kubectl, namespace: str, who: str, job: dict[str, Any], store: str) -> dict[str, str]:
    """What a pod of this template finds that it may write."""
    template = job["spec"]["template"]
    (container,) = template["spec"]["containers"]
    scripted(container, PROBE.format(store=store, who=who))
    name = f"probe-{who}-{uuid.uuid4().hex[:6]}"
    spec = {**template["spec"], "restartPolicy": "Never"}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}
    order = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": job["order"]}, "data": {"order.json": "{}"}}
    kubectl.apply(order, pod, namespace=namespace)
    phase = ""

    def ended() -> bool:
        nonlocal phase
        phase = str(kubectl.json("get", "pod", name, "-n", namespace)["status"].get("phase"))
        return phase in {"Succeeded", "Failed"}

    eventually(ended, 60, f"{name} has ended")
    (status,) = kubectl.json("get", "pod", name, "-n", namespace)["status"]["containerStatuses"]
    said = status["state"]["terminated"].get("message", "")
    assert phase == "Succeeded", said
    found: dict[str, str] = json.loads(said)
    return found


def test_serving_and_monitoring_read_the_store_and_write_only_what_is_theirs(
    kubectl: Kubectl, namespace: str, settings: Settings
):
    # given a store on a volume, as it is before anything was trained
    if settings.store.claim is None:
        pytest.skip("the installed operator keeps models in an object store: this is about volumes")
    claim = store_claim(settings, namespace)
    assert claim is not None
    kubectl.apply(claim, namespace=namespace)
    store = f"{settings.store.uri}/{namespace}"
    image = settings.runtime_image
    in_here = {"namespace": namespace}
    serving = serving_deployment(
        owner("ModelDeployment"), serving_order().model_copy(update=in_here), image, 2, SERVED, settings
    )
    monitoring = monitor_job(owner("DriftMonitor"), monitor_order().model_copy(update=in_here), image, settings)
    order = training_order().model_copy(update=in_here)
    training = training_job(owner("ModelTraining"), order, "{}", settings)
    named = {
        "serving": {**serving, "order": "heart-heart-1"},
        "training": {**training, "order": "heart-2"},
        "monitoring": {**monitoring, "order": monitoring["metadata"]["name"]},
    }
    # when pods of each kind try to write everywhere: serving first, whose folders nobody has made
    found = {who: probe(kubectl, namespace, who, job, store) for who, job in named.items()}
    # then training writes everything
    assert {name for name, said in found["training"].items() if said == "training"} == {
        "artifacts", "runs", "log", "feedback", "reports", "read",
    }  # fmt: skip
    # and the others what is theirs, while the kernel keeps them from the rest
    assert {name for name, said in found["serving"].items() if said == "serving"} == {"log", "feedback"}
    assert {name for name, said in found["monitoring"].items() if said == "monitoring"} == {"reports"}
    for who in ("serving", "monitoring"):
        assert "Read-only file system" in found[who]["artifacts"]
        assert "Read-only file system" in found[who]["runs"]
    assert found["monitoring"]["read"] == "training"


WORKER = """
import os, pathlib, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: os._exit(143))
while not pathlib.Path("/tmp/end").exists():
    time.sleep(0.1)
pathlib.Path("/dev/termination-log").write_text('{"outcome": "Succeeded", "message": "the leader judged"}')
"""


def order_for(namespace: str, run: int, spec: TrainingSpec, champion: str | None = None) -> TrainingOrder:
    nobody = Artifact(uri="file:///nowhere", digest=f"sha256:{'0' * 64}")
    return training_order(spec).model_copy(
        update={
            "namespace": namespace,
            "run": run,
            "spec_digest": spec_digest(spec),
            "champion": ChampionRef(version="heart-1", artifact=nobody, image=champion) if champion else None,
        }
    )


def start(
    kubectl: Kubectl,
    order: TrainingOrder,
    settings: Settings,
    scripts: dict[str, str],
    users: dict[str, int] | None = None,
) -> str:
    """Apply the Job of a run, with scripts in its containers and without the store; its name.

    `users` stand for what the images of these containers say.
    """
    without = settings.model_copy(update={"store": settings.store.model_copy(update={"claim": None})})
    job = in_namespace(training_job(owner("ModelTraining"), order, "{}", without), order.namespace)
    name = str(job["metadata"]["name"])
    for container, script in scripts.items():
        scripted(containers_of(job["spec"]["template"])[container], script)
    for container, user in (users or {}).items():
        security = containers_of(job["spec"]["template"])[container]["securityContext"]
        security |= {"runAsUser": user, "runAsGroup": user}
    config = in_namespace(order_config_map(owner("ModelTraining"), name, {}, order), order.namespace)
    kubectl.apply(config, job, namespace=order.namespace)
    return name


def pods_of(kubectl: Kubectl, namespace: str, job: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = kubectl.json("get", "pods", "-n", namespace, "-l", f"job-name={job}")["items"]
    return found


def running(kubectl: Kubectl, namespace: str, job: str) -> dict[str, str]:
    """Names of the running pods by their index."""
    return {
        pod["metadata"]["labels"]["batch.kubernetes.io/job-completion-index"]: pod["metadata"]["name"]
        for pod in pods_of(kubectl, namespace, job)
        if pod["status"].get("phase") == "Running" and "deletionTimestamp" not in pod["metadata"]
    }


def condition(kubectl: Kubectl, namespace: str, job: str) -> dict[str, str]:
    """The Job's conditions that hold, with their reasons."""
    status = kubectl.json("get", "job", job, "-n", namespace)["status"]
    return {each["type"]: each.get("reason", "") for each in status.get("conditions", []) if each["status"] == "True"}


@pytest.mark.timeout(180)
def test_killing_any_pod_of_a_search_changes_nothing_but_the_time(kubectl: Kubectl, namespace: str, settings: Settings):
    # given a search with three pods
    spec = TRAINING.model_copy(update={"tuning": Tuning(workers=3)})
    job = start(kubectl, order_for(namespace, 11, spec), settings, {"evermodel": WORKER})
    eventually(lambda: len(running(kubectl, namespace, job)) == 3, 60, "all three work")
    first = running(kubectl, namespace, job)
    # when a worker is killed at once, another one is told to end, and the leader is killed too
    kubectl("delete", "pod", first["1"], "-n", namespace, "--grace-period=0", "--force", "--wait=false")
    kubectl("delete", "pod", first["2"], "-n", namespace, "--wait=false")
    kubectl("delete", "pod", first["0"], "-n", namespace, "--grace-period=1", "--wait=false")

    def all_back() -> bool:
        now = running(kubectl, namespace, job)
        return len(now) == 3 and not set(now.values()) & set(first.values())

    # then each comes again, and the Job has not failed
    eventually(all_back, 60, "each comes again")
    assert condition(kubectl, namespace, job) == {}
    # and when the leader is done, the Job has ended well, whatever the others do
    leader = running(kubectl, namespace, job)["0"]
    kubectl("exec", leader, "-n", namespace, "--", PYTHON, "-c", "open('/tmp/end', 'w').close()")
    eventually(lambda: "Complete" in condition(kubectl, namespace, job), 60, "the Job is complete")
    said = answer(pods_of(kubectl, namespace, job), TrainingOutcome)
    assert said is not None
    assert said.message == "the leader judged"


COLLECT = """
import os, pathlib, stat
for fit in ("0", "final"):
    place = pathlib.Path("/exchange/fits/own") / fit
    place.mkdir(parents=True)
    place.chmod(place.stat().st_mode | stat.S_IWGRP)
    (place / "rows.parquet").write_text("rows of " + fit)
"""
OWN = """
import os, pathlib
fits = pathlib.Path(os.environ["EVERMODEL_FITS"])
sees = [str(path) for path in ("/run/secrets/evermodel", "/var/lib/evermodel", "/etc/evermodel") if os.path.exists(path)]
sees += [str(path) for path in pathlib.Path("/exchange").rglob("*") if path not in (fits, *fits.parents, *fits.rglob("*"))]
for fit in fits.iterdir():
    (fit / "model.onnx").write_text((fit / "rows.parquet").read_text() + f" by {os.getuid()}; sees {sees}")
"""
CHAMPION = """
import os, pathlib, signal, time
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
while True:
    if pathlib.Path("/exchange/question").exists():
        pathlib.Path("/exchange/answer").write_text("the champion's")
    time.sleep(0.1)
"""
MAIN = """
import json, os, pathlib, time
pathlib.Path("/exchange/question").write_text("?")
while not pathlib.Path("/exchange/answer").exists():
    time.sleep(0.1)
model = pathlib.Path("/exchange/fits/own/final/model.onnx").read_text()
limits = {name: os.environ[name] for name in ("EVERMODEL_MEMORY_LIMIT", "OMP_NUM_THREADS")}
said = json.dumps([model, pathlib.Path("/exchange/answer").read_text(), limits])
pathlib.Path("/dev/termination-log").write_text(json.dumps({"outcome": "Succeeded", "message": said}))
"""


def with_own_image(image: str) -> TrainingSpec:
    own = Algorithm.model_validate({"name": "own", "container": {"image": image}})
    return TRAINING.model_copy(update={"algorithms": [*TRAINING.algorithms, own]})


@pytest.mark.timeout(120)
def test_a_users_image_and_the_champion_take_part_in_a_run(
    kubectl: Kubectl, namespace: str, settings: Settings, other_image: str
):
    # given a run with an algorithm of a user's own, whose image has another user, and a champion of another image
    order = order_for(namespace, 21, with_own_image(settings.runtime_image), champion=other_image)
    scripts = {"collect": COLLECT, "fit-0-own": OWN, "champion": CHAMPION, "evermodel": MAIN}
    # when it runs
    name = start(kubectl, order, settings, scripts, users={"fit-0-own": 1234})
    eventually(lambda: bool(condition(kubectl, namespace, name)), 90, "the Job has ended")
    # then the container's model and the champion's answer reached the one that judges
    pods = pods_of(kubectl, namespace, name)
    said = answer(pods, TrainingOutcome)
    assert said is not None, trouble(pods)
    model, champion, limits = json.loads(said.message)
    # (and the user's image saw nothing but its fits)
    assert model == "rows of final by 1234; sees []"
    assert champion == "the champion's"
    # and each container knows what it may use
    assert limits["EVERMODEL_MEMORY_LIMIT"] == str(256 * 1024**2)
    assert int(limits["OMP_NUM_THREADS"]) >= 1
    # and the sidecar does not keep the Job from ending
    eventually(lambda: "Complete" in condition(kubectl, namespace, name), 45, "the Job is complete")


@pytest.mark.timeout(120)
def test_a_champion_whose_image_is_gone_is_told(kubectl: Kubectl, namespace: str, settings: Settings):
    # given a champion whose image nobody has any more
    order = order_for(namespace, 31, TRAINING, champion=UNPULLABLE)
    # when a run wants to meet it
    name = start(kubectl, order, settings, {"evermodel": "pass"})
    # then the run says which container cannot start, and why
    eventually(lambda: trouble(pods_of(kubectl, namespace, name)) is not None, 60, "there is trouble")
    found = trouble(pods_of(kubectl, namespace, name))
    assert found is not None
    assert found.reason == "PodCannotStart"
    assert found.message.startswith("container champion of pod heart-31-")
    assert "localhost:1/evermodel" in found.message
    kubectl("delete", "job", name, "-n", namespace, "--wait=false")


# Making a version again: the operator as a process, and a version whose image is not on the node.


@pytest.fixture
def operator(tmp_path: Path, kubeconfig: str, namespace: str) -> Iterator[list[Process]]:
    """Operators that were started; all are gone afterwards, and their log is shown if the test fails."""
    started: list[Process] = []
    yield started
    for each in started:
        if each.process.poll() is None:
            each.process.kill()
            each.process.wait(timeout=10)
        sys.stdout.write(f"--- {each.log.name}\n{each.log.read_text()}")


@pytest.mark.usefixtures("kinds", "operator_away")
@pytest.mark.timeout(180)
def test_a_person_asks_for_a_version_to_be_made_again_and_is_told(
    kubectl: Kubectl, namespace: str, operator: list[Process], tmp_path: Path, kubeconfig: str
):
    # given a version, and an operator
    training = f"again-{uuid.uuid4().hex[:6]}"
    version = f"{training}-4"
    changes = {
        "metadata.name": version,
        "spec.model": training,
        "spec.training.name": training,
        "spec.image": UNPULLABLE,
    }
    kubectl.apply(changed(OBJECTS["version"], changes), namespace=namespace)
    lease = f"operator-{uuid.uuid4().hex[:8]}"
    operator.append(Process(tmp_path, kubeconfig, namespace, lease))

    def found() -> dict[str, Any]:
        told: dict[str, Any] = status_of(kubectl, namespace, "modelversion", version).get("reproduction", {})
        return told

    def jobs() -> list[str]:
        chosen = f"evermodel.dev/reproduction={version}"
        items = kubectl.json("get", "jobs", "-n", namespace, "-l", chosen)["items"]
        return [str(each["metadata"]["name"]) for each in items]

    eventually(lambda: bool(status_of(kubectl, namespace, "modelversion", version)), 30, "the version is looked at")
    # when a person asks, as the documentation says
    kubectl("annotate", "modelversion", version, "-n", namespace, "evermodel.dev/reproduce=once")
    # then a Job is made in the version's own image, and what keeps it from working is told
    eventually(lambda: found().get("outcome") == "Running", 20, "it is under way")
    # (the process's settings forbid pulling)
    eventually(lambda: "ErrImageNeverPull" in found().get("message", ""), 60, "the trouble is told")
    (job,) = jobs()
    # and an operator that is started anew makes no second one
    operator[0].process.kill()
    operator[0].process.wait(timeout=10)
    kubectl("delete", "lease", lease, "-n", namespace)
    operator.append(Process(tmp_path, kubeconfig, namespace, lease))
    eventually(operator[1].leads, 30, "it leads")
    time.sleep(2)
    assert jobs() == [job]
    # and when somebody deletes the Job, that is told, and the same wish is not acted on again
    kubectl("delete", "job", job, "-n", namespace)
    eventually(lambda: found().get("outcome") == "Failed", 20, "it failed")
    time.sleep(1)
    assert jobs() == []
    conditions = status_of(kubectl, namespace, "modelversion", version)["conditions"]
    (reproduced,) = [each for each in conditions if each["type"] == "Reproduced"]
    assert (reproduced["status"], reproduced["reason"]) == ("False", "ReproductionFailed")
    # but another one is
    kubectl("annotate", "modelversion", version, "-n", namespace, "--overwrite", "evermodel.dev/reproduce=twice")
    eventually(lambda: len(jobs()) == 1, 20, "another Job")
    assert jobs() != [job]
