"""What is told of a rollout, in `kubectl describe`."""

from evermodel_api.deployment import PreviousVersion
from evermodel_api.reasons import Reason
from evermodel_operator.kinds.rollout import Rollout
from evermodel_operator.kinds.scene import Scene
from evermodel_operator.kinds.steps import steps_of
from evermodel_operator.plan import Event


def rollout_events(scene: Scene, rollout: Rollout) -> list[Event]:
    """What happens in this pass."""
    before = scene.before
    events = _candidate_events(scene, rollout)
    if rollout.moved:
        events.append(_moved(scene, rollout))
    known = {item.version for item in before.rejected}
    for item in (item for item in rollout.rejected if item.version not in known):
        text = f"{item.version} is given up: {item.message}"
        events.append(Event("Warning", Reason(item.reason), text))
    if _is_removed(before.previous, scene, rollout):
        warm = before.previous.version if before.previous else ""
        events.append(Event("Normal", Reason.PREVIOUS_REMOVED, f"{warm} is drained and removed."))
    return events


def _candidate_events(scene: Scene, rollout: Rollout) -> list[Event]:
    now, then = rollout.candidate, scene.before.candidate
    if now is None:
        return []
    if then is None or then.version != now.version:
        text = f"Rolling out {now.version}; {rollout.live} goes on answering until its pods are ready."
        return [Event("Normal", Reason.ROLLING_OUT, text)]
    steps = len(steps_of(scene.spec))
    if now.reached is None or then.reached is not None or now.step > steps:
        return []
    share = f" and answers about {now.weight} % of the requests" if now.weight else ""
    return [Event("Normal", Reason.STEP, f"{now.version} is ready in step {now.step} of {steps}{share}.")]


def _moved(scene: Scene, rollout: Rollout) -> Event:
    if rollout.previous is not None:
        until = f"{rollout.previous.until:%H:%M:%S} UTC"
        text = f"{rollout.live} answers now; {rollout.previous.version} is kept warm until {until}."
        return Event("Normal", Reason.ROLLED_OUT, text)
    if scene.live is None:
        return Event("Normal", Reason.ROLLING_OUT, f"Starting {rollout.live}, the first version.")
    return Event("Warning", Reason.ROLLED_BACK, f"{rollout.live} answers again in place of {scene.live}.")


def _is_removed(warm: PreviousVersion | None, scene: Scene, rollout: Rollout) -> bool:
    """Whether the version that was kept warm goes in this pass."""
    if warm is None or warm.version not in scene.observed.children or warm.version == rollout.live:
        return False
    return rollout.previous is None or rollout.previous.version != warm.version


def wish_events(scene: Scene, rollout: Rollout) -> list[Event]:
    """That a person's wish was seen, and what it led to."""
    events = []
    if scene.wishes.promote:
        text = "A person asked to go on with the rollout."
        events.append(Event("Normal", Reason.PROMOTED, text))
    if scene.wishes.retry is not None:
        text = f"A person asked to try {scene.wishes.retry} again."
        events.append(Event("Normal", Reason.RETRIED, text))
    if scene.wishes.rollback and list(rollout.rejected[:1]) == scene.before.rejected[:1]:
        text = "A person asked to go back, and there is neither a candidate nor a version before that is warm."
        events.append(Event("Warning", Reason.NOTHING_TO_ROLL_BACK, text))
    return events
