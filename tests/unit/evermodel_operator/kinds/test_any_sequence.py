"""Everything that starts, stops and ends runs, in any order, with an operator that dies between its writes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from world import World, ended, trained, training

KIND, NAME = "ModelTraining", "heart"
BUDGET, PER = 4, timedelta(hours=6)
SKIPPED = '{"outcome": "Skipped", "message": "nothing is new"}'
WRONG = '{"outcome": "Failed", "reason": "NoRows", "message": "there are no rows"}'


class AnySequence(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.parameters = 5
        self.suspended = False
        self.policy = "Replace"
        self.started: dict[str, datetime] = {}
        self.limits: dict[str, str] = {}

    @initialize(policy=st.sampled_from(["Replace", "Forbid"]))
    def a_training(self, policy: str):
        self.policy = policy
        self._write()

    def _write(self) -> None:
        changes: dict[str, Any] = {
            "algorithms": [
                {"name": "k", "estimator": "KNeighborsClassifier", "params": {"n_neighbors": self.parameters}}
            ],
            "triggers": {
                "schedule": {"cron": "0 * * * *", "concurrencyPolicy": self.policy},
                "budget": {"runs": BUDGET, "per": "6h"},
            },
            "run": {
                "suspend": self.suspended,
                "oom": {"factor": 2, "max": "4Gi"},
                "resources": {"limits": {"memory": "1Gi"}},
                "ttl": {"succeeded": "2h", "failed": "3h"},
            },
        }
        self.world.put(training(**changes))

    def _working(self) -> list[dict[str, Any]]:
        jobs = self.world.all("batch/v1", "Job")
        return [job for job in jobs if not job.get("status", {}).get("conditions")]

    @rule(minutes=st.integers(1, 200))
    def time_passes(self, minutes: int):
        self.world.pass_time(minutes=minutes)

    @rule(parameters=st.integers(5, 7))
    def the_spec_changes(self, parameters: int):
        self.parameters = parameters
        self._write()

    @rule(suspended=st.booleans())
    def somebody_suspends_or_goes_on(self, suspended: bool):
        self.suspended = suspended
        self._write()

    @rule(value=st.integers(1, 5))
    def somebody_asks(self, value: int):
        thing = self.world.own(KIND, NAME)
        asking = {"retrain.evermodel.dev/me": str(value)}
        self.world.put({**thing, "metadata": {**thing["metadata"], "annotations": asking}})

    @rule(how=st.sampled_from(["well", "refused", "skipped", "wrong", "killed", "disrupted"]))
    def a_run_ends(self, how: str):
        for job in self._working():
            name, run = job["metadata"]["name"], int(job["metadata"]["labels"]["evermodel.dev/run"])
            if how == "killed":
                self.world.kill_for_memory(name)
            elif how == "disrupted":
                conditions = [{"type": "DisruptionTarget", "status": "True"}]
                self.world.pod(job, ended(self.world.now, "", 137), phase="Failed", conditions=conditions)
                self.world.finish_job(name, "Failed", "BackoffLimitExceeded")
            elif how == "wrong":
                self.world.end_job(name, WRONG, 3)
            else:
                self.world.end_job(name, SKIPPED if how == "skipped" else trained(run, passed=how == "well"))

    @rule()
    def a_pod_is_killed_for_its_memory_and_its_job_goes_on(self):
        for job in self._working():
            self.world.pod(job, ended(self.world.now, "", 137, "OOMKilled"), phase="Failed")

    @rule()
    def somebody_deletes_the_job(self):
        for job in self._working():
            self.world.remove("batch/v1", "Job", job["metadata"]["name"])

    @rule()
    def pods_of_deleted_jobs_are_gone(self):
        self.world.pods_gone()

    @rule(passes=st.integers(1, 3), dies=st.booleans())
    def the_operator_looks(self, passes: int, dies: bool):
        for number in range(passes):
            self.world.reconcile(KIND, NAME, die_before_status=dies and number == passes - 1)

    @rule()
    def everything_comes_to_rest(self):
        self.world.settle_one(KIND, NAME)
        self.world.pods_gone()
        self.world.settle_one(KIND, NAME)
        status = self.world.own(KIND, NAME)["status"]
        stalled = [each for each in status["conditions"] if each["type"] == "Stalled"]
        assert not (stalled and "run" in status), "a training with a run under way is not stalled"

    @invariant()
    def there_is_one_run_at_a_time(self):
        assert len(self._working()) <= 1

    @invariant()
    def each_run_has_a_number_of_its_own_and_is_told_once(self):
        status = self.world.own(KIND, NAME).get("status", {}) if self.world.all("evermodel.dev/v1alpha1", KIND) else {}
        numbers = [int(run["id"]) for run in status.get("runs", [])]
        assert numbers == sorted(set(numbers), reverse=True)
        if "run" in status and numbers:
            assert int(status["run"]["id"]) > numbers[0]
        told = [event.message.split()[1] for _, event in self.world.events if event.reason in ENDINGS]
        assert len(told) == len(set(told)), "an end is told once"

    @invariant()
    def no_more_runs_start_than_the_budget_has(self):
        for job in self.world.all("batch/v1", "Job"):
            self.started.setdefault(job["metadata"]["name"], self.world.now)
            limit = job["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["memory"]
            assert limit in {"1Gi", "2048Mi", "4Gi"}
        moments = sorted(self.started.values())
        for number, first in enumerate(moments[:-BUDGET]):
            # A Job was made at or before the moment at which it was first seen here, in the same step.
            assert moments[number + BUDGET] - first >= PER


ENDINGS = {"RunSucceeded", "RunFailed", "GateRefused", "Replaced", "Unchanged", "Disrupted"}
TestAnySequence = AnySequence.TestCase
TestAnySequence.settings = settings(max_examples=80, stateful_step_count=30, deadline=None)
