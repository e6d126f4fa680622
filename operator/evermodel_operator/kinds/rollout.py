"""The rollout, as one pure decision: who plays which part next. The table of its states is docs/rollout.md.

The Service is the truth about what is live. A rejection is written into the status first, and acted on in the next
pass: an operator that dies in between has not forgotten it.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from evermodel_api.base import parse_duration
from evermodel_api.deployment import CandidateVersion, PreviousVersion, RejectedVersion, WatchedVersion
from evermodel_api.reasons import Reason
from evermodel_operator.kinds.checks import failure
from evermodel_operator.kinds.pods import Trouble
from evermodel_operator.kinds.scene import Scene
from evermodel_operator.kinds.steps import Step, percent, steps_of

KEPT_REJECTED = 10
_MESSAGE_LIMIT = 1000


@dataclass(frozen=True)
class Rollout:
    """Who plays which part after this pass."""

    live: str | None = None
    candidate: CandidateVersion | None = None
    size: int = 0
    """Pods of the candidate."""
    wide: bool = False
    """Whether the Service sends traffic to the candidate too."""
    previous: PreviousVersion | None = None
    watched: WatchedVersion | None = None
    since: datetime | None = None
    """When the live version's pods were first asked for."""
    rejected: tuple[RejectedVersion, ...] = ()
    """All rejected versions, newest first."""
    retried: str | None = None
    moved: bool = False
    """Whether the Service moves to another version in this pass."""
    trouble: Trouble | None = None
    """What keeps the version that is being started from being ready."""
    until: datetime | None = None
    """When the candidate's step ends by time."""
    hint: str = ""
    """What the rollout waits for, in a sentence, where it is not pods."""


def next_rollout(scene: Scene, wanted: str | None) -> Rollout:
    """Who plays which part next."""
    live, now = scene.live, scene.now
    kept = _remembered(scene)
    if live is None:
        return replace(kept, live=wanted, since=now, moved=wanted is not None)
    back = _way_back(scene, live, kept)
    if back is not None:
        return back
    if live not in scene.rejected and (refusal := _refused_live(scene, live, kept)):
        return _rejecting(kept, refusal)
    if wanted is None or wanted == live or (scene.wishes.paused and _begins(scene, wanted)):
        why = None if scene.ready(live).complete else scene.trouble(live)
        return replace(kept, trouble=why)
    return _with_candidate(scene, kept, wanted)


def _begins(scene: Scene, wanted: str) -> bool:
    return scene.before.candidate is None or scene.before.candidate.version != wanted


def _remembered(scene: Scene) -> Rollout:
    """What goes on where nothing happens. A move that the status does not know of yet is caught up with."""
    live, before, now = scene.live, scene.before, scene.now
    rejected = tuple(item for item in before.rejected if item.version != scene.wishes.retry)
    since = before.live.since if before.live and before.live.version == live else now
    previous, watched = before.previous, before.watched
    if before.live is not None and live is not None and before.live.version != live:
        previous = _kept_warm(scene, before.live.version)
        watched = _watched(scene, live)
    if previous is not None and (previous.version == live or previous.version in scene.rejected):
        previous = None
    if previous is not None and (now >= previous.until or previous.version not in scene.observed.versions):
        previous = None
    if watched is not None and (watched.version != live or now >= watched.until or live in scene.rejected):
        watched = None
    retried = scene.wishes.retry or before.retried
    return Rollout(live=live, previous=previous, watched=watched, since=since, rejected=rejected, retried=retried)


def _kept_warm(scene: Scene, version: str) -> PreviousVersion:
    """The version that was replaced just now: it stays for keepPrevious, and as long as checks may move back to it."""
    spec = scene.spec
    keep = parse_duration(spec.retirement.keep_previous)
    if spec.strategy.checks is not None:
        keep = max(keep, parse_duration(spec.strategy.watch))
    return PreviousVersion(version=version, until=scene.now + keep)


def _watched(scene: Scene, live: str) -> WatchedVersion | None:
    watch = parse_duration(scene.spec.strategy.watch)
    if scene.spec.strategy.checks is None or not watch:
        return None
    return WatchedVersion(version=live, until=scene.now + watch)


def _way_back(scene: Scene, live: str, kept: Rollout) -> Rollout | None:
    """Back to the version before, where the live one was rejected and that one is still warm."""
    if live not in scene.rejected or kept.previous is None or not scene.ready(kept.previous.version).available:
        return None
    return replace(kept, live=kept.previous.version, previous=None, watched=None, since=scene.now, moved=True)


def _refused_live(scene: Scene, live: str, kept: Rollout) -> RejectedVersion | None:
    """Whether the live version has to go: its checks fail while it is new, or a person wants to go back."""
    if kept.previous is None or not scene.ready(kept.previous.version).available:
        return None
    if scene.wishes.rollback and scene.before.candidate is None:
        text = f"a person asked to go back to {kept.previous.version}"
        return _refusal(scene, live, Reason.ROLLED_BACK_BY_PERSON, text)
    if kept.watched is None:
        return None
    failed = failure(scene.counted(live), scene.spec.strategy.checks)
    return None if failed is None else _refusal(scene, live, Reason.CHECK_FAILED, failed)


def _with_candidate(scene: Scene, kept: Rollout, wanted: str) -> Rollout:
    """A version is on its way: it waits for its pods, stays in its step, goes on to the next, or is given up."""
    steps = steps_of(scene.spec)
    known = scene.candidate(wanted)
    number = min(max(known.step, 1), len(steps) + 1)
    last = number > len(steps)
    step = Step(scene.spec.replicas, scene.wide, timedelta(0)) if last else steps[number - 1]
    now_ready = scene.ready(wanted, step.replicas)
    alone = not scene.ready(kept.live).available
    if step.traffic:
        kept = replace(kept, previous=None)  # the Service's selector would name its pods too
    known = known.model_copy(
        update={
            "step": number,
            "replicas": now_ready.available,
            "waiting": None if now_ready.complete else known.waiting or scene.now,
            "reached": known.reached or (scene.now if now_ready.complete else None),
        }
    )
    went_on = scene.wide and (alone or not _begins(scene, wanted))
    wide = step.traffic and (now_ready.complete or went_on) and not scene.others(kept.live, wanted)
    share = percent(now_ready.available, scene.ready(kept.live).available) if wide else 0
    here = replace(kept, candidate=known.model_copy(update={"weight": share}), size=step.replicas, wide=wide)
    if not alone or not now_ready.available:
        refusal = _refused_candidate(scene, known, takes_traffic=scene.wide and step.traffic)
        if refusal is not None:
            return _rejecting(here, refusal)
    if not now_ready.complete:
        return replace(here, trouble=scene.trouble(wanted))
    return _moved(scene, here, wanted) if last else _in_step(scene, here, known, step, alone=alone)


def _in_step(scene: Scene, here: Rollout, known: CandidateVersion, step: Step, *, alone: bool) -> Rollout:
    """A step whose pods are ready lasts for its pause. Where no pod of the live version answers, it ends at once."""
    assert known.reached is not None  # noqa: S101  set with the pods being ready; tells the type checker
    over = step.pause is not None and scene.now >= known.reached + step.pause
    if alone or (not scene.wishes.paused and (over or scene.wishes.promote)):
        further = known.model_copy(update={"step": known.step + 1, "reached": None, "waiting": scene.now})
        return replace(
            here, candidate=further.model_copy(update={"weight": here.candidate.weight if here.candidate else 0})
        )
    if scene.wishes.paused:
        return replace(here, hint="paused by a person; it goes on when the annotation evermodel.dev/pause is removed")
    if step.pause is None:
        return replace(here, hint="waits for a person, who says evermodel.dev/promote or evermodel.dev/rollback")
    return replace(here, until=known.reached + step.pause)


def _moved(scene: Scene, here: Rollout, wanted: str) -> Rollout:
    """The candidate takes over: one write of the Service."""
    assert here.live is not None  # noqa: S101  only then there are candidates
    return replace(
        here,
        live=wanted,
        candidate=None,
        wide=False,
        previous=_kept_warm(scene, here.live),
        watched=_watched(scene, wanted),
        since=scene.now,
        moved=True,
        retried=None if here.retried == wanted else here.retried,
    )


def _refused_candidate(scene: Scene, known: CandidateVersion, *, takes_traffic: bool) -> RejectedVersion | None:
    """Whether a candidate has to be given up, and why."""
    if scene.wishes.rollback:
        return _refusal(scene, known.version, Reason.ROLLED_BACK_BY_PERSON, "a person asked to go back")
    if takes_traffic and (failed := failure(scene.counted(known.version), scene.spec.strategy.checks)):
        return _refusal(scene, known.version, Reason.CHECK_FAILED, failed)
    if known.waiting is None:
        return None
    found = scene.trouble(known.version)
    if found is not None and found.final:
        return _refusal(scene, known.version, Reason.ROLLOUT_FAILED, found.message)
    if scene.now - known.waiting < scene.deadline:
        return None
    why = found.message if found else "its pods are not ready"
    text = f"not ready within {scene.spec.strategy.progress_deadline}: {why}"
    return _refusal(scene, known.version, Reason.PROGRESS_DEADLINE_EXCEEDED, text)


def _refusal(scene: Scene, version: str, reason: Reason, text: str) -> RejectedVersion:
    return RejectedVersion(version=version, at=scene.now, reason=reason, message=text[:_MESSAGE_LIMIT])


def _rejecting(rollout: Rollout, refusal: RejectedVersion) -> Rollout:
    retried = None if rollout.retried == refusal.version else rollout.retried
    return replace(rollout, rejected=(refusal, *rollout.rejected)[:KEPT_REJECTED], retried=retried)
