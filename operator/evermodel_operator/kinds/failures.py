"""Why a run failed, in the run's own words where it has left some, else in what Kubernetes knows. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from evermodel_api.reasons import Reason
from evermodel_api.runs import Outcome, TrainingOutcome
from evermodel_api.training import OutOfMemory
from evermodel_operator.children.pod import CONTAINER
from evermodel_operator.kinds.memory import larger
from evermodel_operator.kinds.pods import Trouble, answer, trouble
from evermodel_operator.kinds.reading import failure_of, finished_as, name_of
from evermodel_operator.plan import Object


@dataclass(frozen=True)
class Why:
    """A documented word where there is one, and a sentence."""

    reason: str | None
    message: str


def why_failed(job: Object, pods: list[Object], outcome: TrainingOutcome | None, oom: OutOfMemory | None) -> Why:
    """The cause and the remedy. `outcome` is what the leading pod answered, `pods` are all of the run's."""
    killed = killed_for_memory(pods)
    if killed is not None:
        return Why(Reason.OUT_OF_MEMORY, _too_little(name_of(killed), memory_limit(job), oom))
    # A pod that does not lead can still be the one that says what is wrong.
    said = outcome or answer(pods, TrainingOutcome)
    if said is not None and said.outcome is Outcome.FAILED:
        return Why(said.reason, said.message)
    reason, message = failure_of(job)
    found = trouble_of(pods)
    if reason == Reason.DEADLINE_EXCEEDED:
        doing = f"; {found.message}" if found else ""
        remedy = "raise run.deadline or give it more resources"
        return Why(reason, f"the run took longer than run.deadline{doing}; {remedy}")
    if found is not None:
        return Why(found.reason, found.message)
    if reason and any(_disrupted(pod) for pod in pods):
        return Why(Reason.DISRUPTED, "its pods were evicted or lost their node; the run is started again.")
    if finished_as(job) == "Complete":
        return Why(Reason.CRASHED, "the run ended well and its answer is lost with its pod; ask for a new run.")
    return Why(reason or Reason.CRASHED, message or "its pod is gone and left no message; ask for a new run.")


def trouble_of(pods: Iterable[Object]) -> Trouble | None:
    """What keeps a run's pods from working; a pod that was disrupted has no trouble of its own."""
    return trouble(pod for pod in pods if not _disrupted(pod))


def killed_for_memory(pods: Iterable[Object]) -> Object | None:
    """A pod that was ended for using more memory than its limit, unless another one has said what is wrong."""
    found = [(pod, each) for pod in pods if (each := trouble_of([pod])) is not None]
    if any(each.final for _, each in found):
        return None
    return next((pod for pod, each in found if each.reason is Reason.OUT_OF_MEMORY), None)


def memory_limit(job: Object) -> str | None:
    """The memory limit of a Job's main container."""
    containers = job["spec"]["template"]["spec"]["containers"]
    main = next(container for container in containers if container["name"] == CONTAINER)
    limit = main.get("resources", {}).get("limits", {}).get("memory")
    return None if limit is None else str(limit)


def _disrupted(pod: Object) -> bool:
    """Whether an eviction, a preemption or the loss of its node ended a pod: nobody's fault."""
    conditions = pod.get("status", {}).get("conditions", [])
    return any(each["type"] == "DisruptionTarget" and each["status"] == "True" for each in conditions)


def _too_little(pod: str, limit: str | None, oom: OutOfMemory | None) -> str:
    what = f"pod {pod} used more memory than its limit{f' of {limit}' if limit else ''} and was ended"
    if oom is None:
        return f"{what}; raise run.resources.limits.memory, or set run.oom to repeat such a run with more"
    more = larger(limit, oom)
    if more is None:
        return f"{what}; run.oom.max of {oom.max} is reached: raise it, or let the run read less"
    return f"{what}; the run is repeated with {more}"
