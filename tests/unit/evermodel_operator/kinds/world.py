"""A world for plans: keeps objects as an API server would, carries plans out, and lets Jobs and pods progress.

It stands for nothing but time and storage; what the real API server does with the same plans is tested in tests/cluster.
"""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

from evermodel_api import API_VERSION
from evermodel_operator.kinds import KINDS
from evermodel_operator.labels import COMPLETION_INDEX
from evermodel_operator.plan import Deletion, Event, Object, Plan
from evermodel_operator.settings import Settings
from evermodel_operator.watch.cache import Cache
from evermodel_operator.watch.observation import counted_object

NAMESPACE = "clinic"
DIGEST = "sha256:" + "a" * 64
SETTINGS = Settings.model_validate(
    {
        "runtimeImage": "evermodel@sha256:" + "b" * 64,
        "store": {"uri": "file:///var/lib/evermodel/store", "claim": {"name": "evermodel-store"}},
    }
)
START = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


class World:
    def __init__(self) -> None:
        self.cache = Cache()
        self.now = START
        self.events: list[tuple[str, Event]] = []
        self._version = itertools.count(1)
        self._uids = itertools.count(1)

    def put(self, thing: Object) -> Object:
        metadata = dict(thing["metadata"])
        known = self.get(thing["apiVersion"], thing["kind"], metadata["name"])
        metadata.setdefault("namespace", NAMESPACE)
        made = known["metadata"].get("creationTimestamp") if known else None
        metadata["creationTimestamp"] = made or zulu(self.now)
        metadata["uid"] = known["metadata"]["uid"] if known else f"uid-{next(self._uids)}"
        changed = known is None or known.get("spec") != thing.get("spec")
        generation = known["metadata"].get("generation", 1) + int(changed) if known else 1
        metadata["generation"] = generation
        metadata["resourceVersion"] = str(next(self._version))
        merged = {**thing, "metadata": metadata}
        if known and "status" in known and "status" not in thing:
            merged["status"] = known["status"]
        self.cache.put(merged)
        return merged

    def get(self, api_version: str, kind: str, name: str) -> Object | None:
        return self.cache.get(api_version, kind, NAMESPACE, name)

    def own(self, kind: str, name: str) -> Object:
        found = self.get(API_VERSION, kind, name)
        assert found is not None, f"{kind} {name} is not there"
        return found

    def all(self, api_version: str, kind: str) -> list[Object]:
        return self.cache.list(api_version, kind, NAMESPACE)

    def remove(self, api_version: str, kind: str, name: str) -> None:
        known = self.get(api_version, kind, name)
        if known is not None:
            gone = {**known, "metadata": {**known["metadata"], "resourceVersion": str(next(self._version))}}
            self.cache.pop(gone, for_good=True)
        if kind in {"Job", "Deployment"}:
            for pod in [p for p in self.all("v1", "Pod") if p["metadata"].get("owner") == f"{kind}/{name}"]:
                self.remove("v1", "Pod", pod["metadata"]["name"])

    def plan(self, kind: str, name: str) -> Plan:
        observe, plan = KINDS[kind]
        observed = observe(self.cache, NAMESPACE, name)
        assert observed is not None
        return plan(observed, SETTINGS, self.now)

    def reconcile(self, kind: str, name: str, *, die_before_status: bool = False) -> Plan:
        """Carry a plan out, children first; or die between the children and the status."""
        made = self.plan(kind, name)
        for child in made.apply:
            known = self.get(child["apiVersion"], child["kind"], child["metadata"]["name"])
            same = known and known.get("spec") == child.get("spec") and known.get("data") == child.get("data")
            if not same:
                self.put(child)
        for gone in made.delete:
            self._delete(gone)
        if die_before_status:
            return made
        if made.status is not None:
            self.put({**self.own(kind, name), "status": made.status})
        self.events += [(f"{kind}/{name}", event) for event in made.events]
        return made

    def _delete(self, gone: Deletion) -> None:
        """In the foreground an object stays until what it owns is gone (`pods_gone`)."""
        known = self.get(gone.api_version, gone.kind, gone.name)
        if gone.propagation != "Foreground" or known is None:
            self.remove(gone.api_version, gone.kind, gone.name)
        else:
            self.put({**known, "metadata": {**known["metadata"], "deletionTimestamp": zulu(self.now)}})

    def pods_gone(self) -> None:
        for job in self.all("batch/v1", "Job"):
            if "deletionTimestamp" in job["metadata"]:
                self.remove("batch/v1", "Job", job["metadata"]["name"])

    def settle_one(self, kind: str, name: str, rounds: int = 12) -> None:
        """Reconcile one object until nothing changes any more."""
        for _ in range(rounds):
            if self.plan(kind, name).status == self.own(kind, name).get("status") and not self._has_work(kind, name):
                return
            self.reconcile(kind, name)
        raise AssertionError(f"{kind} {name} does not come to rest")

    def settle(self, rounds: int = 12) -> None:
        """Reconcile everything until nothing changes any more."""
        for _ in range(rounds):
            before = next(self._version)
            for kind in KINDS:
                for thing in self.all(API_VERSION, kind):
                    name = thing["metadata"]["name"]
                    if self.plan(kind, name).status != thing.get("status") or self._has_work(kind, name):
                        self.reconcile(kind, name)
            if next(self._version) == before + 1:
                return
        raise AssertionError("the world does not come to rest")

    def _has_work(self, kind: str, name: str) -> bool:
        made = self.plan(kind, name)
        new = [c for c in made.apply if not self._is_there(c)]
        gone = [d for d in made.delete if self.get(d.api_version, d.kind, d.name)]
        return bool(new or gone)

    def _is_there(self, child: Object) -> bool:
        known = self.get(child["apiVersion"], child["kind"], child["metadata"]["name"])
        return bool(known) and known.get("spec") == child.get("spec") and known.get("data") == child.get("data")

    def pass_time(self, **span: float) -> None:
        self.now += timedelta(**span)

    # what kubelet and the controllers of Kubernetes would do

    def pod(
        self, owner: Object, state: dict[str, Any], *, suffix: str = "pod", index: int | None = None, **status: Any
    ):
        name = f"{owner['metadata']['name']}-{suffix}"
        marks = {} if index is None else {COMPLETION_INDEX: str(index)}
        self.put(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {
                    "name": name,
                    "labels": {**owner["metadata"]["labels"], **marks},
                    "owner": f"{owner['kind']}/{owner['metadata']['name']}",
                },
                "status": {"containerStatuses": [{"name": "evermodel", **state}], **status},
            }
        )

    def end_job(self, name: str, message: str, code: int = 0, reason: str = "") -> None:
        job = self.get("batch/v1", "Job", name)
        assert job is not None, f"Job {name} is not there"
        self.pod(job, ended(self.now, message, code))
        self.finish_job(name, "Complete" if code == 0 else "Failed", reason)

    def finish_job(self, name: str, kind: str, reason: str = "") -> None:
        job = self.get("batch/v1", "Job", name)
        assert job is not None, f"Job {name} is not there"
        at = zulu(self.now)
        condition = {"type": kind, "status": "True", "lastTransitionTime": at, "reason": reason, "message": ""}
        self.put({**job, "status": {"conditions": [condition]}})

    def kill_for_memory(self, name: str) -> None:
        """What Kubernetes does when the main container uses more memory than its limit."""
        job = self.get("batch/v1", "Job", name)
        assert job is not None, f"Job {name} is not there"
        self.pod(job, ended(self.now, "", 137, "OOMKilled"), phase="Failed")
        self.finish_job(name, "Failed", "PodFailurePolicy")

    def ready(self, name: str, replicas: int = 2) -> None:
        child = self.get("apps/v1", "Deployment", name)
        assert child is not None, f"Deployment {name} is not there"
        status = {
            "observedGeneration": child["metadata"]["generation"],
            "updatedReplicas": replicas,
            "availableReplicas": replicas,
        }
        self.put({**child, "status": status})

    def counted(self, version: str, requests: int, errors: int = 0, slow: int = 0) -> None:
        """What a serving pod of the version says that it has counted: `slow` predictions took a second."""
        said = {"requests": requests, "errors": errors, "seconds": {"0.25": requests - slow, "+Inf": requests}}
        pod = {
            "metadata": {
                "name": f"pod-of-{version}",
                "namespace": NAMESPACE,
                "uid": f"uid-of-{version}",
                "labels": {"evermodel.dev/deployment": "heart", "evermodel.dev/version": version},
            }
        }
        self.cache.put(counted_object(pod, said, said))

    def annotate(self, kind: str, name: str, **values: str | None) -> None:
        """What a person does by kubectl annotate, with our prefix; None removes."""
        thing = self.own(kind, name)
        kept = {**thing["metadata"].get("annotations", {}), **{f"evermodel.dev/{k}": v for k, v in values.items()}}
        annotations = {key: value for key, value in kept.items() if value is not None}
        self.put({**thing, "metadata": {**thing["metadata"], "annotations": annotations}})


def zulu(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def ended(at: datetime, message: str, code: int, reason: str = "Error") -> dict[str, Any]:
    """The state of a container that ended."""
    terminated = {"exitCode": code, "message": message, "finishedAt": zulu(at), "reason": reason}
    return {"state": {"terminated": terminated}}


def training(name: str = "heart", **changes: Any) -> Object:
    spec = {
        "target": "diagnosis",
        "data": {
            "sources": [
                {"name": "patients", "sql": {"secretRef": {"name": "clinic-db", "key": "dsn"}, "query": "select 1"}}
            ]
        },
        "algorithms": [{"name": "kneighbors", "estimator": "KNeighborsClassifier"}],
        **changes,
    }
    return {"apiVersion": API_VERSION, "kind": "ModelTraining", "metadata": {"name": name}, "spec": spec}


def deployment(name: str = "heart", **changes: Any) -> Object:
    spec = {"model": {"trainingRef": {"name": "heart"}}, **changes}
    return {"apiVersion": API_VERSION, "kind": "ModelDeployment", "metadata": {"name": name}, "spec": spec}


def monitor(name: str = "heart", **changes: Any) -> Object:
    spec = {
        "deploymentRef": {"name": "heart"},
        "schedule": {"every": "1m"},
        "drift": {},
        "actions": {"retrain": {"trainingRef": {"name": "heart"}}},
        **changes,
    }
    return {"apiVersion": API_VERSION, "kind": "DriftMonitor", "metadata": {"name": name}, "spec": spec}


def trained(run: int, *, passed: bool = True) -> str:
    """A training pod's answer."""
    import json

    gate = {"metric": "roc_auc", "rule": "min", "value": "0.9", "limit": "0.8", "passed": passed}
    return json.dumps(
        {
            "outcome": "Succeeded" if passed else "Refused",
            "message": "kneighbors, roc_auc 0.9.",
            "artifact": {"uri": f"file:///store/{run}", "digest": DIGEST, "sizeBytes": 10},
            "dataDigest": DIGEST,
            "rows": 303,
            "algorithm": "kneighbors",
            "metrics": {"roc_auc": 0.9},
            "gates": [gate],
            "seconds": 3.0,
        }
    )


def condition(thing: Object, kind: str) -> dict[str, Any] | None:
    for item in thing.get("status", {}).get("conditions", []):
        if item["type"] == kind:
            return dict(item)
    return None
