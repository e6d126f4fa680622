"""Which requests are answered on the event loop: those that ask a quick model, by a path that is known to ask it."""

from dataclasses import dataclass

from evermodel.serving.faults import RequestError
from evermodel.serving.registry import Hosted, Registry
from evermodel.serving.routes import Name, Route, match

DIRECT_BYTES = 128 * 1024
"""A body up to this size is read on the event loop: a hundred rows of sixty numbers, half a millisecond."""
_KNOWN = 1024
_POSTED = frozenset({Name.INFER, Name.V1_PREDICT})


@dataclass(frozen=True, slots=True)
class Target:
    """What a direct request asks."""

    route: Route
    hosted: Hosted

    @property
    def version(self) -> str:
        """Name of the version."""
        return self.hosted.served.version


class Direct:
    """Finds what a request asks by its method and raw URL; remembers the paths that clients use."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._known: dict[bytes, Target] = {}

    def find(self, method: bytes, url: bytes) -> Target | None:
        """What a request asks; None when it is not one for the event loop."""
        if method == b"POST":
            return self._known.get(url) or self._learn(url)
        if method == b"GET" and url.startswith(b"/v2/model/"):
            return self._match("GET", url)
        return None

    def _learn(self, url: bytes) -> Target | None:
        target = self._match("POST", url)
        if target is not None:
            if len(self._known) >= _KNOWN:
                self._known.clear()
            self._known[url] = target
        return target

    def _match(self, method: str, url: bytes) -> Target | None:
        try:
            route = match(method, url.partition(b"?")[0].decode("ascii"))
            if route.name is not Name.VALUES and route.name not in _POSTED:
                return None
            hosted = self._registry.find_asked(route)
        except (RequestError, UnicodeDecodeError):
            return None  # whoever answers such requests says what is wrong
        return Target(route, hosted) if hosted.direct_rows else None
