"""Whatever happens to a deployment, in any order, with an operator that dies between its writes and clocks that jump."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from world import DIGEST, World, deployment

from evermodel_api import API_VERSION

CHECKS = {"errorRate": {"max": 0.01}}
STRATEGIES: list[dict[str, Any]] = [
    {},
    {"checks": CHECKS, "watch": "5m"},
    {"type": "BlueGreen", "preview": {"pause": "3m"}},
    {"type": "Canary", "steps": [{"weight": 10, "pause": "3m"}, {"weight": 50, "pause": "3m"}], "checks": CHECKS},
    {"type": "Canary", "steps": [{"weight": 40, "pause": "0s"}]},
]
KIND, NAME = "ModelDeployment", "heart"


class Watching(World):
    """A world that looks at each pass of the operator: it must never take away the last pods that answer."""

    def endpoints(self) -> int:
        front = self.get("v1", "Service", NAME)
        if front is None:
            return 0
        selected = front["spec"]["selector"]
        return sum(
            min(child["spec"]["replicas"], child.get("status", {}).get("availableReplicas", 0))
            for child in self.all("apps/v1", "Deployment")
            if selected.items() <= child["metadata"]["labels"].items()
        )

    def reconcile(self, kind: str, name: str, *, die_before_status: bool = False):
        answered = self.endpoints()
        made = super().reconcile(kind, name, die_before_status=die_before_status)
        assert not answered or self.endpoints(), "the operator left the Service without a ready pod"
        return made


class AnyRollout(RuleBasedStateMachine):
    @initialize(strategy=st.sampled_from(STRATEGIES))
    def a_live_version(self, strategy: dict[str, Any]) -> None:
        self.world = Watching()
        self.given_up: set[str] = set()
        self.strategy, self.replicas, self.runs = strategy, 2, 0
        self._write()
        self._arrive()
        self.world.ready("heart-heart-1")
        self.world.settle()

    def _write(self) -> None:
        known = self.world.get(API_VERSION, KIND, NAME)
        annotations = known["metadata"].get("annotations", {}) if known else {}
        made = deployment(replicas=self.replicas, strategy=self.strategy, retirement={"keepPrevious": "5m"})
        self.world.put({**made, "metadata": {**made["metadata"], "annotations": annotations}})

    def _arrive(self) -> None:
        self.runs += 1
        lineage = {
            "name": "heart",
            "run": str(self.runs),
            "specDigest": DIGEST,
            "dataDigest": DIGEST,
            "seed": 0,
            "cause": {"by": "spec", "reason": "Created"},
        }
        spec = {
            "model": "heart",
            "version": self.runs,
            "artifact": {"uri": "file:///store", "digest": DIGEST},
            "image": "evermodel",
            "training": lineage,
            "algorithm": "kneighbors",
        }
        name = f"heart-{self.runs}"
        self.world.put({"apiVersion": API_VERSION, "kind": "ModelVersion", "metadata": {"name": name}, "spec": spec})
        self.world.settle()

    def _children(self) -> list[str]:
        return [child["metadata"]["name"] for child in self.world.all("apps/v1", "Deployment")]

    def _status(self) -> dict[str, Any]:
        return dict(self.world.own(KIND, NAME).get("status", {}))

    @precondition(lambda self: self.runs < 5)
    @rule()
    def a_new_version_arrives(self) -> None:
        self._arrive()

    @rule(which=st.integers(0, 2), pods=st.integers(0, 4))
    def pods_become_ready_or_fail(self, which: int, pods: int) -> None:
        names = self._children()
        self.world.ready(names[which % len(names)], pods)

    @rule(lost=st.booleans(), settled=st.booleans())
    def the_live_version_may_lose_its_pods_when_others_are_ready(self, lost: bool, settled: bool) -> None:
        live = self.world.own(KIND, NAME).get("status", {}).get("live", {}).get("version")
        for child in self.world.all("apps/v1", "Deployment"):
            name = child["metadata"]["name"]
            self.world.ready(name, 0 if lost and name == f"heart-{live}" else child["spec"]["replicas"])
        if settled:
            self.world.settle_one(KIND, NAME)

    @rule()
    def a_rollout_goes_on(self) -> None:
        for child in self.world.all("apps/v1", "Deployment"):
            self.world.ready(child["metadata"]["name"], child["spec"]["replicas"])
        self.world.settle_one(KIND, NAME)
        self.world.pass_time(seconds=181)
        self.world.settle_one(KIND, NAME)

    @rule(seconds=st.sampled_from([1, 61, 181, 301, 601, 7200]))
    def time_passes(self, seconds: int) -> None:
        self.world.pass_time(seconds=seconds)

    @rule(minutes=st.integers(1, 20))
    def the_clock_jumps_back(self, minutes: int) -> None:
        self.world.pass_time(minutes=-minutes)

    @rule(dies=st.booleans())
    def the_operator_looks(self, dies: bool) -> None:
        self.world.reconcile(KIND, NAME, die_before_status=dies)

    @rule()
    def the_status_is_lost(self) -> None:
        thing = self.world.own(KIND, NAME)
        self.world.put({**thing, "status": {}})

    @rule()
    def pods_end_with_wrong_bytes(self) -> None:
        name = self._children()[-1]
        child = self.world.get("apps/v1", "Deployment", name)
        self.world.pod(child, {"state": {"terminated": {"exitCode": 3, "message": "wrong bytes"}}})

    @rule()
    def broken_pods_are_replaced(self) -> None:
        for pod in self.world.all("v1", "Pod"):
            self.world.remove("v1", "Pod", pod["metadata"]["name"])

    @rule()
    def a_candidate_with_traffic_fails_just_when_it_is_alone(self) -> None:
        self.a_rollout_goes_on()
        for child in self.world.all("apps/v1", "Deployment"):
            self.world.ready(child["metadata"]["name"], child["spec"]["replicas"])
        self.world.settle_one(KIND, NAME)
        live = self._status().get("live", {}).get("version")
        self.world.ready(f"heart-{live}", 0)
        self.world.counted(f"heart-{self.runs}", 100, 50)
        self.world.settle_one(KIND, NAME)

    @rule(errors=st.sampled_from([0, 50]), settled=st.booleans())
    def the_newest_version_counts(self, errors: int, settled: bool) -> None:
        self.world.counted(f"heart-{self.runs}", 100, errors)
        if settled:
            self.world.settle_one(KIND, NAME)

    @rule(strategy=st.sampled_from(STRATEGIES), replicas=st.integers(1, 4))
    def the_spec_is_edited(self, strategy: dict[str, Any], replicas: int) -> None:
        self.strategy, self.replicas = strategy, replicas
        self._write()

    @rule(wish=st.sampled_from(["rollback", "promote"]), value=st.integers(1, 3))
    def somebody_asks(self, wish: str, value: int) -> None:
        self.world.annotate(KIND, NAME, **{wish: str(value)})

    @rule(paused=st.booleans())
    def somebody_pauses_or_goes_on(self, paused: bool) -> None:
        self.world.annotate(KIND, NAME, pause="yes" if paused else None)

    @rule()
    def everything_is_reconciled(self) -> None:
        self.world.settle()
        for item in self._status().get("rejected", []):
            self.given_up.add(item["version"])
        candidate = self._status().get("candidate", {}).get("version")
        if candidate in self.given_up:
            live = self.world.get("apps/v1", "Deployment", f"heart-{self._status()['live']['version']}")
            assert live is None or not live.get("status", {}).get("availableReplicas"), (
                "a rejected version is tried again"
            )

    @invariant()
    def no_more_than_three_versions_have_pods(self) -> None:
        if hasattr(self, "world"):
            assert len(self._children()) <= 3

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        self.world.annotate(KIND, NAME, pause=None)
        self.broken_pods_are_replaced()
        for _ in range(self.runs + 3):  # each version gets its own try
            self.world.settle()
            # Pods that were lost come back: of the live version, and of none else.
            self.world.ready(f"heart-{self._status()['live']['version']}", self.replicas)
            self.world.settle()
            if not {"candidate", "previous", "watched"} & self._status().keys():
                break
            self.world.pass_time(hours=2)
        self.world.settle()
        status = self._status()
        assert "candidate" not in status, "a rollout that time does not end"
        assert "previous" not in status
        assert "watched" not in status
        live = status["live"]["version"]
        assert self._children() == [f"heart-{live}"]
        front = self.world.get("v1", "Service", NAME)
        assert front["spec"]["selector"]["evermodel.dev/version"] == live
        stages = {v["metadata"]["name"]: v["status"]["stage"] for v in self.world.all(API_VERSION, "ModelVersion")}
        champions = [name for name, stage in stages.items() if stage == "Champion"]
        assert champions == [live] or stages[live] == "Rejected"


TestAnyRollout = AnyRollout.TestCase
TestAnyRollout.settings = settings(
    max_examples=80, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
