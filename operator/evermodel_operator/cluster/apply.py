"""Makes a plan true: children, deletions, status, events, in this order.

The status comes after what it tells of, so that a process killed in between leaves a status that is behind, never one
that is ahead; the next reconcile finds the children and catches up. Every answer goes into the cache at once, so that
the next reconcile sees what this one wrote.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from evermodel_operator.cluster.errors import Conflict, NameTaken, NotFound
from evermodel_operator.cluster.resources import resource_of
from evermodel_operator.cluster.sameness import carries, contains, digest_of
from evermodel_operator.labels import APPLIED, MANAGED_BY, OPERATOR

if TYPE_CHECKING:
    from evermodel_operator.cluster.client import Client
    from evermodel_operator.cluster.events import Recorder
    from evermodel_operator.plan import Deletion, Object, Plan
    from evermodel_operator.watch.cache import Cache

REMEMBERED = 50_000


class Executor:
    """Carries plans out."""

    def __init__(self, client: Client, cache: Cache, recorder: Recorder) -> None:
        self._client = client
        self._cache = cache
        self._recorder = recorder
        self._settled: OrderedDict[str, tuple[str, str]] = OrderedDict()

    async def execute(self, owner: Object, plan: Plan) -> list[str]:
        """Make the plan for `owner` true.

        Returns:
            What was written, in words for the log; empty when everything was so already.

        Raises:
            NameTaken: when a child's name belongs to somebody else; nothing after that child was done.
            ApiError: when the API server did not do as asked; what was done before is done.
        """
        done = []
        for manifest in plan.apply:
            done += await self._apply_child(owner, manifest)
        for deletion in plan.delete:
            done += await self._delete_child(owner, deletion)
        if plan.status is not None and plan.status != (owner.get("status") or {}):
            await self.write_status(owner, plan.status)
            done.append("status")
        for event in plan.events:
            await self._recorder.record(owner, event)
        return done

    async def write_status(self, owner: Object, status: Object) -> None:
        """Replace the status of an object.

        Raises:
            Conflict: when the object changed or was made anew since it was looked at. Only the resourceVersion tells:
                the API server does not compare the uid where a status is written.
        """
        metadata = {key: owner["metadata"][key] for key in ("name", "namespace", "resourceVersion")}
        body = {"apiVersion": owner["apiVersion"], "kind": owner["kind"], "metadata": metadata, "status": status}
        self._cache.put(await self._client.apply_status(body))

    async def _apply_child(self, owner: Object, manifest: Object) -> list[str]:
        sealed, digest = _seal(owner, manifest)
        kind, name = sealed["kind"], sealed["metadata"]["name"]
        present = await self._present(sealed)
        if present is not None:
            if _controller(sealed) is None:
                return []
            _guard(present, sealed)
            if resource_of(sealed["apiVersion"], kind).watched and self._is_so(present, sealed, digest):
                return []
        # Force takes fields over from others: right on our own child, wrong on one that appeared in this very moment.
        answer = await self._client.apply(sealed, force=present is not None)
        if resource_of(sealed["apiVersion"], kind).watched:
            self._cache.put(answer)
            self._remember(answer, digest)
        return [f"{'changed' if present else 'made'} {kind} {name}"]

    async def _delete_child(self, owner: Object, deletion: Deletion) -> list[str]:
        identity = {"name": deletion.name, "namespace": owner["metadata"]["namespace"]}
        wanted = {"apiVersion": deletion.api_version, "kind": deletion.kind, "metadata": identity}
        present = await self._present(wanted)
        if present is None or "deletionTimestamp" in present["metadata"]:
            return []
        controller = _controller(present)
        if controller is None or controller["uid"] != owner["metadata"]["uid"]:
            raise NameTaken(deletion.kind, deletion.name, _holder(present))
        try:
            answer = await self._client.delete(present, deletion.propagation)
        except (NotFound, Conflict):
            # Gone, or another one has its name: either way this very object is no more.
            self._cache.pop(present, for_good=True)
            return []
        if answer["kind"] == present["kind"]:
            self._cache.put(answer)
        else:
            self._cache.pop(present, for_good=True)
        return [f"deleted {deletion.kind} {deletion.name}"]

    async def _present(self, wanted: Object) -> Object | None:
        """The object of that name, whoever made it.

        The cache knows only what carries our label, so what is not in it is asked for: a child is made once, and then a
        foreign object of its name must not be overwritten.
        """
        metadata = wanted["metadata"]
        where = (wanted["apiVersion"], wanted["kind"], metadata["namespace"], metadata["name"])
        cached = self._cache.get(*where)
        if cached is not None:
            return cached
        try:
            return await self._client.get(*where)
        except NotFound:
            return None

    def _is_so(self, present: Object, sealed: Object, digest: str) -> bool:
        if not carries(present, digest):
            return False
        metadata = present["metadata"]
        return self._settled.get(metadata["uid"]) == (digest, metadata["resourceVersion"]) or contains(present, sealed)

    def _remember(self, answer: Object, digest: str) -> None:
        """Note that nothing has changed since our own write.

        The API server writes some values in other words (0.5 as 500m), which `contains` takes for a change; one write
        for each such state of a child is enough.
        """
        metadata = answer["metadata"]
        self._settled[metadata["uid"]] = (digest, metadata["resourceVersion"])
        self._settled.move_to_end(metadata["uid"])
        while len(self._settled) > REMEMBERED:
            self._settled.popitem(last=False)


def _seal(owner: Object, manifest: Object) -> tuple[Object, str]:
    """The manifest as it is sent: in the owner's namespace, labelled so that it is watched, and with its digest."""
    metadata = {"namespace": owner["metadata"]["namespace"], **manifest["metadata"]}
    metadata["labels"] = {**(metadata.get("labels") or {}), MANAGED_BY: OPERATOR}
    digest = digest_of({**manifest, "metadata": metadata})
    metadata["annotations"] = {**(metadata.get("annotations") or {}), APPLIED: digest}
    return {**manifest, "metadata": metadata}, digest


def _guard(present: Object, sealed: Object) -> None:
    """Let only our own children be written: those with the controller that the manifest names.

    Raises:
        NameTaken: when it has another controller, or none and was not made by us.
    """
    ours, theirs = _controller(sealed), _controller(present)
    if ours is None or theirs is None or theirs["uid"] != ours["uid"]:
        raise NameTaken(sealed["kind"], sealed["metadata"]["name"], _holder(present))


def _holder(obj: Object) -> str:
    controller = _controller(obj)
    return f"{controller['kind']} {controller['name']}" if controller else "somebody who does not say so"


def _controller(obj: Object) -> Object | None:
    owners: list[Object] = obj["metadata"].get("ownerReferences") or []
    return next((owner for owner in owners if owner.get("controller")), None)
