"""When runs start and how they end, against the real API server, Job controller and kubelet, by a clock of the test's own.

The operator's parts do what they do in its process: list, observe, plan, carry out. Where a test says what a run's pod
did, no scheduler takes the pod and the test writes its status, as a kubelet would.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from evermodel_operator.cluster.apply import Executor
from evermodel_operator.cluster.client import Client
from evermodel_operator.cluster.connection import connect
from evermodel_operator.cluster.events import Recorder
from evermodel_operator.controller import Controller
from evermodel_operator.kinds import KINDS
from evermodel_operator.metrics import Metrics
from evermodel_operator.settings import Settings
from evermodel_operator.watch.cache import Cache
from evermodel_operator.watch.listing import Lister

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

pytestmark = [pytest.mark.cluster, pytest.mark.usefixtures("kinds", "operator_away")]
API = "evermodel.dev/v1alpha1"
NOWHERE = {"podTemplate": {"spec": {"schedulerName": "the-test"}}}
"""No scheduler of that name exists."""
DIGEST = "sha256:" + "a" * 64


class Operator:
    """The operator's parts at work on one training, at the moment `now`."""

    def __init__(self, client: Client, namespace: str, name: str) -> None:
        self.client = client
        self.namespace = namespace
        self.name = name
        self.now = datetime.now(UTC)
        self.settings = self.with_image("not-there:local", "Never")

    @staticmethod
    def with_image(image: str, policy: str) -> Settings:
        return Settings.model_validate(
            {"runtimeImage": image, "imagePullPolicy": policy, "store": {"uri": "memory://models"}}
        )

    async def look(self) -> dict[str, Any]:
        """One pass.

        Returns:
            The status, as the API server kept it.
        """
        cache = Cache()
        await Lister(self.client, cache, [self.namespace]).prime()
        observe, plan = KINDS["ModelTraining"]
        observed = observe(cache, self.namespace, self.name)
        assert observed is not None
        made = plan(observed, self.settings, self.now)
        recorder = Recorder(self.client, "test", lambda: self.now)
        owner = cache.get(API, "ModelTraining", self.namespace, self.name)
        assert owner is not None
        await Executor(self.client, cache, recorder).execute(owner, made)
        kept: dict[str, Any] = (await self.client.get(API, "ModelTraining", self.namespace, self.name))["status"]
        assert kept == made.status, "the CRD keeps every field of the status"
        return kept

    async def until(self, holds: Callable[[dict[str, Any]], bool], seconds: float = 20) -> dict[str, Any]:
        """The status as soon as it is so."""
        async with asyncio.timeout(seconds):
            while not holds(status := await self.look()):  # noqa: ASYNC110  what is waited for is in the cluster
                await asyncio.sleep(0.3)
        return status

    async def to_the_next_moment(self) -> None:
        status = await self.look()
        self.now = datetime.fromisoformat(status["nextRun"]) + timedelta(seconds=1)


@pytest.fixture
async def operator(kubeconfig: str, namespace: str) -> AsyncIterator[Operator]:
    client = Client((await connect(kubeconfig, None)).api_client())
    yield Operator(client, namespace, f"run-{uuid.uuid4().hex[:6]}")
    await client.close()


def train(kubectl: Any, operator: Operator, **spec: Any) -> None:
    document = {
        "apiVersion": API,
        "kind": "ModelTraining",
        "metadata": {"name": operator.name},
        "spec": {
            "target": "y",
            "task": "Regression",
            "data": {"sources": [{"name": "line", "file": {"uri": "/data/line.csv"}}]},
            "algorithms": [{"name": "line", "estimator": "LinearRegression"}],
            **spec,
        },
    }
    kubectl.apply(document, namespace=operator.namespace)


def jobs_of(kubectl: Any, operator: Operator) -> list[dict[str, Any]]:
    chosen = f"--selector=evermodel.dev/training={operator.name}"
    found: list[dict[str, Any]] = kubectl.json("get", "jobs", "-n", operator.namespace, chosen)["items"]
    return found


def pods_of(kubectl: Any, operator: Operator) -> list[dict[str, Any]]:
    chosen = f"--selector=evermodel.dev/training={operator.name}"
    found: list[dict[str, Any]] = kubectl.json("get", "pods", "-n", operator.namespace, chosen)["items"]
    return found


async def pod_appears(kubectl: Any, operator: Operator, others: frozenset[str] = frozenset()) -> str:
    async with asyncio.timeout(20):
        while True:
            new = [each["metadata"]["name"] for each in pods_of(kubectl, operator)]
            if left := [name for name in new if name not in others]:
                return str(left[0])
            await asyncio.sleep(0.2)


def pod_ends(kubectl: Any, operator: Operator, pod: str, message: str, code: int = 0, **status: Any) -> None:
    """What a kubelet writes when a pod's main container has ended."""
    at = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    terminated = {"exitCode": code, "message": message, "startedAt": at, "finishedAt": at}
    container = {"name": "evermodel", "image": "x", "imageID": "", "ready": False, "restartCount": 0}
    phase = "Succeeded" if code == 0 else "Failed"
    body = {"phase": phase, "containerStatuses": [{**container, "state": {"terminated": terminated}}], **status}
    patch = json.dumps({"status": body})
    where = ("pod", pod, "-n", operator.namespace, "--subresource=status", "--type=merge", "--patch", patch)
    kubectl("patch", *where)


def condition(status: dict[str, Any], kind: str) -> dict[str, Any]:
    return next((each for each in status["conditions"] if each["type"] == kind), {})


def events_of(kubectl: Any, operator: Operator, reason: str) -> list[str]:
    found = kubectl.json("get", "events.events.k8s.io", "-n", operator.namespace)["items"]
    return [each["note"] for each in found if each["regarding"]["name"] == operator.name and each["reason"] == reason]


async def test_replace_stops_the_run_that_works_and_the_next_one_begins_when_its_pods_are_gone(
    operator: Operator, kubectl: Any
):
    schedule = {"cron": "0 * * * *", "timeZone": "Asia/Bangkok", "concurrencyPolicy": "Replace"}
    train(kubectl, operator, triggers={"schedule": schedule})
    await operator.look()
    await pod_appears(kubectl, operator)
    await operator.to_the_next_moment()
    at_once: list[int] = []

    def replaced(status: dict[str, Any]) -> bool:
        at_once.append(len(jobs_of(kubectl, operator)))
        return status.get("run", {}).get("id") == "2"

    status = await operator.until(replaced, 45)

    assert set(at_once) <= {0, 1}
    assert (status["runs"][0]["id"], status["runs"][0]["reason"]) == ("1", "Replaced")
    assert status["run"]["cause"]["by"] == "schedule"
    assert status["run"]["cause"]["request"].endswith("+07:00")
    (job,) = jobs_of(kubectl, operator)
    assert job["metadata"]["name"] == f"{operator.name}-2"
    assert {pod["metadata"]["labels"]["evermodel.dev/run"] for pod in pods_of(kubectl, operator)} <= {"2"}
    assert len(events_of(kubectl, operator, "Replaced")) == 1


async def test_forbid_lets_the_moment_pass_and_says_so(operator: Operator, kubectl: Any):
    train(kubectl, operator, triggers={"schedule": {"cron": "*/30 * * * *"}}, run=NOWHERE)
    await operator.look()
    await operator.to_the_next_moment()
    status = await operator.look()
    assert status["run"]["id"] == "1"
    assert datetime.fromisoformat(status["nextRun"]) > operator.now
    (said,) = events_of(kubectl, operator, "PassedOver")
    assert "run 1 is under way" in said


async def test_a_schedule_that_cannot_be_read_is_a_condition(operator: Operator, kubectl: Any):
    train(kubectl, operator, triggers={"schedule": {"cron": "0 25 * * *"}})
    status = await operator.look()
    assert condition(status, "Stalled")["reason"] == "InvalidSpec"
    assert jobs_of(kubectl, operator) == []


async def test_a_run_that_found_nothing_new_is_recorded_and_made_no_version(operator: Operator, kubectl: Any):
    train(kubectl, operator, triggers={"skipIfUnchanged": True}, run=NOWHERE)
    await operator.look()
    pod = await pod_appears(kubectl, operator)
    answer = {"outcome": "Skipped", "message": "Nothing has changed since run 1.", "dataDigest": DIGEST}
    pod_ends(kubectl, operator, pod, json.dumps(answer))

    status = await operator.until(lambda status: bool(status.get("runs")))

    assert (status["runs"][0]["outcome"], status["runs"][0]["dataDigest"]) == ("Skipped", DIGEST)
    assert condition(status, "Skipped")["status"] == "True"
    assert condition(status, "Complete")["status"] == "True"
    assert kubectl.json("get", "modelversions", "-n", operator.namespace)["items"] == []


async def test_a_pod_that_lost_its_node_is_replaced_by_its_job_and_is_nobodys_failure(operator: Operator, kubectl: Any):
    train(kubectl, operator, run={**NOWHERE, "backoffLimit": 0})
    await operator.look()
    pod = await pod_appears(kubectl, operator)
    disrupted = {"type": "DisruptionTarget", "status": "True", "reason": "TerminationByKubelet"}
    pod_ends(kubectl, operator, pod, "", 137, conditions=[disrupted])

    await pod_appears(kubectl, operator, frozenset({pod}))
    status = await operator.look()

    assert status["run"]["id"] == "1"
    assert "runs" not in status
    assert condition(status, "Failed") == {}
    (job,) = jobs_of(kubectl, operator)
    assert not any(each["type"] == "Failed" for each in job.get("status", {}).get("conditions", []))


async def test_a_queued_run_waits_until_somebody_else_starts_its_job(operator: Operator, kubectl: Any):
    train(kubectl, operator, run={**NOWHERE, "queueName": "team-a"})
    status = await operator.look()
    assert status["run"]["phase"] == "Queued"
    assert condition(status, "Running")["reason"] == "Queued"
    await asyncio.sleep(1)
    await operator.look()
    (job,) = jobs_of(kubectl, operator)
    assert job["spec"]["suspend"] is True
    assert job["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "team-a"
    assert pods_of(kubectl, operator) == []

    patch = '{"spec": {"suspend": false}}'
    kubectl("patch", "job", job["metadata"]["name"], "-n", operator.namespace, "--type=merge", "--patch", patch)
    await pod_appears(kubectl, operator)
    status = await operator.look()
    assert status["run"]["phase"] == "Starting"
    assert jobs_of(kubectl, operator)[0]["spec"]["suspend"] is False


async def test_the_budget_holds_a_request_back_and_the_status_says_until_when(operator: Operator, kubectl: Any):
    train(kubectl, operator, triggers={"budget": {"runs": 1, "per": "1d"}}, run=NOWHERE)
    await operator.look()
    pod = await pod_appears(kubectl, operator)
    failed = {"outcome": "Failed", "reason": "NoRows", "message": "there are no rows"}
    pod_ends(kubectl, operator, pod, json.dumps(failed), 3)
    await operator.until(lambda status: bool(status.get("runs")))
    kubectl("annotate", "modeltraining", operator.name, "-n", operator.namespace, "retrain.evermodel.dev/me=1")

    status = await operator.look()
    assert "run" not in status
    assert condition(status, "Running")["reason"] == "BudgetSpent"
    operator.now += timedelta(days=1)
    assert (await operator.look())["run"]["cause"]["by"] == "person/me"


def runtime_image(kubectl: Any) -> str:
    """The image that pods of runs use, as a node of this cluster has it."""
    for node in kubectl.json("get", "nodes")["items"]:
        for image in node["status"].get("images", []):
            for name in image["names"]:
                if "/evermodel@sha256:" in name or "/evermodel:" in name:
                    return str(name)
    pytest.skip("no node has the runtime image: run `make images`")


async def test_a_run_that_the_kernel_killed_for_its_memory_is_repeated_with_more_until_the_maximum(
    operator: Operator, kubectl: Any
):
    operator.settings = operator.with_image(runtime_image(kubectl), "IfNotPresent")
    # room for the container to begin, and not for the interpreter's libraries
    resources = {"requests": {"cpu": "50m", "memory": "32Mi"}, "limits": {"memory": "32Mi"}}
    train(kubectl, operator, run={"resources": resources, "oom": {"factor": 1.25, "max": "40Mi"}, "backoffLimit": 0})

    status = await operator.until(lambda status: bool(condition(status, "Stalled")), 150)

    assert [(run["reason"], run["memory"]) for run in status["runs"]] == [
        ("OutOfMemory", "40Mi"),
        ("OutOfMemory", "32Mi"),
    ]
    assert status["runs"][0]["cause"] == {"by": "run/1", "reason": "OutOfMemory"}
    assert "run" not in status
    stalled = condition(status, "Stalled")
    assert "run.oom.max of 40Mi is reached" in stalled["message"]


SAYS = """
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b'{"phase": "Searching", "trial": 12, "trials": 60, "best": "r2 0.912", "secondsLeft": 90, "message": "line"}'
        self.send_response(200 if self.path == "/progress" else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
http.server.HTTPServer(("", 8080), Handler).serve_forever()
"""


def pod_that_tells(operator: Operator, image: str) -> dict[str, Any]:
    """A pod of the run, as far as anybody can see, that answers as one does."""
    labels = {
        "app.kubernetes.io/managed-by": "evermodel",
        "app.kubernetes.io/component": "training",
        "evermodel.dev/training": operator.name,
        "evermodel.dev/run": "1",
    }
    container = {
        "name": "evermodel",
        "image": image,
        "command": ["/opt/evermodel/bin/python", "-c", SAYS],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"{operator.name}-tells", "labels": labels},
        "spec": {
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 1,
            "securityContext": {"runAsNonRoot": True, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [container],
        },
    }


async def test_what_a_pod_tells_of_its_progress_is_in_the_status_and_in_the_metrics(
    operator: Operator, kubectl: Any, kubeconfig: str
):
    image = runtime_image(kubectl)
    train(kubectl, operator, run=NOWHERE)
    kubectl.apply(pod_that_tells(operator, image), namespace=operator.namespace)
    settings = operator.settings.model_copy(update={"watch_namespaces": (operator.namespace,)})
    connection = await connect(kubeconfig, None)
    client, metrics = Client(connection.api_client()), Metrics()
    controller = asyncio.create_task(Controller(KINDS, settings, client, connection, metrics, "test").run())
    shown: dict[str, Any] = {}
    try:
        async with asyncio.timeout(40):
            while not shown and not controller.done():
                await asyncio.sleep(0.5)
                found = await client.get(API, "ModelTraining", operator.namespace, operator.name)
                shown = found.get("status", {}).get("run", {}).get("progress", {})
        whose = {"namespace": operator.namespace, "training": operator.name}
        ratio = metrics.registry.get_sample_value("evermodel_run_progress_ratio", whose)
    finally:
        controller.cancel()
        await asyncio.gather(controller, return_exceptions=True)
        await client.close()
    assert shown.pop("at")
    assert shown == {
        "phase": "Searching",
        "trial": 12,
        "trials": 60,
        "best": "r2 0.912",
        "secondsLeft": 90,
        "message": "line",
    }
    assert ratio == 0.2
