"""Numbers that all processes of a server count together: one shared mapping, and in it a part for each process.

The layout is fixed when the server starts: every route, status and version has its places, used or not. So counting is
adding to a place that is known, without a lock: a process writes to its own part only, from one thread, and whoever is
asked for the metrics adds up the parts. A process that is started again goes on in the part of its predecessor, so
counters never go back.
"""

import mmap
import os
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus

from evermodel.serving.routes import Name

SECONDS = (
    *(0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
"""Upper bounds of the buckets for the seconds of a request."""
UNKNOWN = "unknown"
"""The route of a path that is not there."""
CLIENT_LEFT = 499
"""Counted for a request whose client left before it was whole."""
ROUTES = (*(name.value for name in Name), UNKNOWN)
CODES = (*sorted({*(status.value for status in HTTPStatus), CLIENT_LEFT}),)

PID, STARTED, READY_ONCE, READY, IN_FLIGHT, CONNECTIONS, ENDED_CPU = range(7)
"""Places at the head of a part: the process, since when it runs (Unix time), whether it has been and is ready, what it
is doing, and the processor seconds of processes that have ended."""
_HEAD = 8
LOG_OUTCOMES = ("received", "stored", "sampled_out", "dropped", "pending", "write_failures", "recovered")
"""What becomes of requests in the log and of labels, as the logs themselves count it."""
GAUGES = frozenset({"pending"})
"""Those that go down again."""

_ITEM = 8
_LINE = 8  # places in a line of the processor's cache: two processes never write to the same one


@dataclass(frozen=True)
class Layout:
    """Where each number stands in the part of a process."""

    versions: tuple[str, ...]
    """Names of the versions that answer; requests that ask none are counted under an empty name."""
    models: tuple[str, ...]
    processes: int = 1

    @classmethod
    def of(cls, names: Sequence[tuple[str, str]], processes: int = 1) -> "Layout":
        """The layout for these models and versions."""
        versions, models = dict.fromkeys(version for _, version in names), dict.fromkeys(model for model, _ in names)
        return cls(tuple(versions), tuple(models), processes)

    @cached_property
    def named(self) -> tuple[str, ...]:
        """The versions, and the empty name."""
        return ("", *self.versions)

    @cached_property
    def requests(self) -> int:
        """First place of the requests: for each version and route the statuses."""
        return _HEAD

    @cached_property
    def durations(self) -> int:
        """First place of the seconds: for each version and route the buckets, one above them, and the sum."""
        return self.requests + len(self.named) * len(ROUTES) * len(CODES)

    @cached_property
    def rows(self) -> int:
        """First place of the rows, by version."""
        return self.durations + len(self.named) * len(ROUTES) * DURATION_PLACES

    @cached_property
    def logs(self) -> int:
        """First place of the logs' counts: for each version the outcomes."""
        return self.rows + len(self.named)

    @cached_property
    def labels(self) -> int:
        """First place of the labels' counts: for each model the outcomes."""
        return self.logs + len(self.versions) * len(LOG_OUTCOMES)

    @cached_property
    def places(self) -> int:
        """Places of one part."""
        used = self.labels + len(self.models) * len(LOG_OUTCOMES)
        return -(-used // _LINE) * _LINE

    def request(self, version: str, route: str, code: int) -> int:
        """Place of the requests of one kind."""
        row = self.named.index(version) * len(ROUTES) + ROUTES.index(route)
        return self.requests + row * len(CODES) + CODES.index(code)

    def duration(self, version: str, route: str) -> int:
        """First place of the seconds of one kind."""
        row = self.named.index(version) * len(ROUTES) + ROUTES.index(route)
        return self.durations + row * DURATION_PLACES


DURATION_PLACES = len(SECONDS) + 2


class Counters:
    """The shared numbers, and the part of this process in them. Only the thread of the event loop counts."""

    def __init__(self, layout: Layout, process: int = 0, file: int | None = None) -> None:
        """Map the numbers.

        Args:
            layout: where each stands.
            process: which part is this process's; the one after the last belongs to their parent.
            file: descriptor of the shared file (`make_file`); None where there is one process only.
        """
        self.layout = layout
        places = layout.places
        size = places * (layout.processes + 1) * _ITEM
        self._all = memoryview(mmap.mmap(-1 if file is None else file, size)).cast("d")
        self._own = self._all[process * places : (process + 1) * places]
        self._kinds: dict[tuple[str, int, str], tuple[int, int]] = {}
        self._row_places = {version: layout.rows + i for i, version in enumerate(layout.named)}

    def begin(self, now: float) -> None:
        """Say that this process starts at the Unix time `now`; counters of its predecessor stay."""
        for place, value in ((PID, os.getpid()), (STARTED, now), (READY, 0), (IN_FLIGHT, 0), (CONNECTIONS, 0)):
            self._own[place] = value

    def observe(self, route: str, code: int, version: str, seconds: float, rows: int = 0) -> None:
        """Count one answered request; `version` is empty where no model was asked, `rows` 0 where none was answered."""
        own = self._own
        try:
            request, duration = self._kinds[route, code, version]
        except KeyError:
            layout = self.layout
            request, duration = layout.request(version, route, code), layout.duration(version, route)
            self._kinds[route, code, version] = request, duration
        own[request] += 1
        own[duration + bisect_left(SECONDS, seconds)] += 1
        own[duration + DURATION_PLACES - 1] += seconds
        if rows:
            own[self._row_places[version]] += rows

    def add(self, place: int, amount: float) -> None:
        """Add to a place at the head of this process's part."""
        self._own[place] += amount

    def set(self, place: int, value: float) -> None:
        """Set a place of this process's part."""
        self._own[place] = value

    def get(self, place: int) -> float:
        """What stands in a place of this process's part."""
        return self._own[place]

    def part(self, process: int) -> "memoryview[float]":
        """The part of one process."""
        return self._all[process * self.layout.places : (process + 1) * self.layout.places]

    def all_of(self, place: int) -> list[float]:
        """What stands in a place of each process's part."""
        places = self.layout.places
        return [self._all[process * places + place] for process in range(self.layout.processes)]

    def total(self) -> list[float]:
        """All parts added up, place by place, that of the parent included."""
        places = self.layout.places
        parts = [self._all[start : start + places].tolist() for start in range(0, len(self._all), places)]
        return [sum(values) for values in zip(*parts, strict=True)]


def make_file(layout: Layout) -> int:
    """Descriptor of a file in memory that processes share by inheriting it."""
    file = os.memfd_create("evermodel-counters")
    os.ftruncate(file, layout.places * (layout.processes + 1) * _ITEM)
    return file
