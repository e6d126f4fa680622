"""The whole circle in any order: evaluations, runs, rollouts, people, clocks that jump, an operator that dies.

What pods would answer is decided by the very code that pods run, from the orders that the operator wrote.
"""

from __future__ import annotations

import json
from typing import Any

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from world import World, deployment, monitor, trained, training

from evermodel.monitoring.decide import decide
from evermodel.monitoring.evidence import Evidence
from evermodel_api.monitor import BlockedRetraining
from evermodel_api.runs import MonitorOrder, MonitorOutcome

KIND, NAME = "DriftMonitor", "heart"
EVIDENCE = {
    "good": {"drifted": False, "healthy_data": True},
    "drifted": {"drifted": True, "healthy_data": True},
    "broken": {"drifted": True, "degraded": True, "healthy_data": False},
    "nothing": {},
}
HISTORIES = [
    ["drifted", "drifted"],
    ["drifted", "drifted", "drifted"],
    ["broken", "broken", "drifted"],
    ["broken", "drifted", "broken"],
    ["good", "good", "good"],
    ["nothing", "nothing"],
    ["drifted"],
]


def answer(order: MonitorOrder, what: str) -> MonitorOutcome:
    """What a pod says that found this."""
    made = decide(order.spec, order.memory, Evidence(order.version, **EVIDENCE[what]), order.now, order.situation)
    return MonitorOutcome(
        message=f"{what}.",
        drifted=EVIDENCE[what].get("drifted"),
        healthy_data=EVIDENCE[what].get("healthy_data"),
        state=made.state,
        alert=made.alert,
        retrain=made.retrain,
        blocked=BlockedRetraining(reason=made.blocked.reason, message=made.blocked.message) if made.blocked else None,
        next=made.blocked.until if made.blocked else None,
        ended=made.ended,
        decision=made.reason,
        memory=made.memory,
    )


class AnyMonitoring(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.seen: dict[str, str] = {}
        """What each evaluation found."""
        self.runs: dict[str, set[str]] = {}
        """Which runs acted on each request."""

    @initialize(approval=st.sampled_from(["Auto", "Manual"]))
    def a_monitored_model(self, approval: str):
        retrain = {
            "trainingRef": {"name": NAME},
            "approval": approval,
            "cooldown": "1h",
            "budget": {"runs": 3, "per": "1d"},
        }
        self.world.put(training())
        self.world.put(deployment(retirement={"keepPrevious": "1m"}, strategy={"progressDeadline": "1h"}))
        self.world.put(monitor(schedule={"every": "10m"}, quality={}, actions={"retrain": retrain}))
        self.world.settle()
        self.world.end_job("heart-1", trained(1))
        self.world.settle()
        self.world.ready("heart-heart-1")
        self.world.settle()

    def _working(self, label: str) -> list[dict[str, Any]]:
        jobs = self.world.all("batch/v1", "Job")
        mine = [job for job in jobs if f"evermodel.dev/{label}" in job["metadata"]["labels"]]
        return [job for job in mine if not job.get("status", {}).get("conditions")]

    def _status(self) -> dict[str, Any]:
        return dict(self.world.own(KIND, NAME).get("status", {}))

    @rule(minutes=st.sampled_from([10, 70, 400, 1500, -300]))
    def time_passes(self, minutes: int):
        self.world.pass_time(minutes=minutes)

    @rule(whats=st.sampled_from(HISTORIES), jump=st.sampled_from([0, 0, 0, 90, -45]))
    def evaluations_end(self, whats: list[str], jump: int):
        for what in whats:
            self.world.settle()
            self._evaluate(what)
            self.world.pass_time(minutes=10)
        self.world.settle()
        self.world.pass_time(minutes=jump)

    def _evaluate(self, what: str) -> None:
        for job in self._working("evaluation"):
            name = job["metadata"]["name"]
            config = self.world.get("v1", "ConfigMap", name)
            assert config is not None
            order = MonitorOrder.model_validate(json.loads(next(iter(config["data"].values()))))
            self.seen[order.evaluation] = what
            self.world.end_job(name, json.dumps(answer(order, what).dump()))

    @rule()
    def an_evaluation_fails(self):
        for job in self._working("evaluation"):
            self.world.end_job(job["metadata"]["name"], "", 1)

    @rule(how=st.sampled_from(["well", "well", "refused", "wrong", "skipped"]))
    def a_run_ends(self, how: str):
        for job in self._working("run"):
            number = int(job["metadata"]["labels"]["evermodel.dev/run"])
            words = {
                "wrong": '{"outcome": "Failed", "reason": "NoRows", "message": "there are no rows"}',
                "skipped": '{"outcome": "Skipped", "message": "nothing is new"}',
            }.get(how, trained(number, passed=how == "well"))
            self.world.end_job(job["metadata"]["name"], words, 3 if how == "wrong" else 0)

    @rule()
    def pods_become_ready(self):
        for each in self.world.all("apps/v1", "Deployment"):
            self.world.ready(each["metadata"]["name"])

    @rule(word=st.sampled_from(["approve", "decline"]), stale=st.booleans())
    def a_person_answers(self, word: str, stale: bool):
        proposal = self._status().get("retrain", {}).get("proposal", {}).get("id", "0")
        thing = self.world.own(KIND, NAME)
        said = {f"{word}.evermodel.dev/anna": f"{'1' if stale else proposal} the ward moved"}
        self.world.put({**thing, "metadata": {**thing["metadata"], "annotations": said}})

    @rule(value=st.integers(1, 3))
    def somebody_asks_for_a_run(self, value: int):
        thing = self.world.own("ModelTraining", NAME)
        asking = {"retrain.evermodel.dev/me": str(value)}
        self.world.put({**thing, "metadata": {**thing["metadata"], "annotations": asking}})

    @rule(how=st.sampled_from(["well", "refused", "wrong", "skipped"]), then=st.sampled_from(HISTORIES))
    def a_retraining_from_end_to_end(self, how: str, then: list[str]):
        self.world.pass_time(hours=30)
        self.evaluations_end(["drifted", "drifted"], 0)
        self.a_person_answers("approve", stale=False)
        self.world.settle()
        self.a_run_ends(how)
        self.world.settle()
        self.pods_become_ready()
        self.evaluations_end(then, 0)

    @rule(kind=st.sampled_from([KIND, "ModelTraining", "ModelDeployment"]), dies=st.booleans())
    def the_operator_looks_at_one(self, kind: str, dies: bool):
        self.world.reconcile(kind, NAME, die_before_status=dies)

    @rule()
    def calm_days_come(self):
        for _ in range(9):
            self.world.settle()
            self.a_run_ends("well")
            self.world.settle()
            self.pods_become_ready()
            self.world.settle()
            self._evaluate("good")
            self.world.settle()
            self.world.pass_time(hours=25)
        state = self._status()["verdict"]["state"]
        assert state == "Healthy", f"{state} after nine calm days"
        assert "proposal" not in self._status().get("retrain", {})

    @invariant()
    def each_request_is_acted_on_by_one_run(self):
        if not self.world.all("evermodel.dev/v1alpha1", "ModelTraining"):
            return
        status = self.world.own("ModelTraining", NAME).get("status", {})
        for run in [*status.get("runs", []), *([status["run"]] if "run" in status else [])]:
            if run["cause"]["by"].startswith("driftmonitor/"):
                self.runs.setdefault(run["cause"]["request"], set()).add(run["id"])
        assert all(len(runs) == 1 for runs in self.runs.values())

    @invariant()
    def only_what_a_model_can_mend_asks_for_one(self):
        if not self.world.all("evermodel.dev/v1alpha1", KIND):
            return
        request = self._status().get("request")
        if request is not None:
            assert self.seen[request["id"]] == "drifted"

    @invariant()
    def what_is_remembered_is_bounded_and_told_once(self):
        if not self.world.all("evermodel.dev/v1alpha1", KIND):
            return
        history = self._status().get("retrain", {}).get("history", [])
        assert len(history) <= 10
        assert len({past["id"] for past in history}) == len(history), "one end for each request"


TestAnyMonitoring = AnyMonitoring.TestCase
TestAnyMonitoring.settings = settings(max_examples=20, stateful_step_count=15, deadline=None)
