"""The metrics of a server, as one of its processes sees them: what it counts itself, and what all have counted."""

from collections.abc import Mapping

from evermodel.serving.counters import GAUGES, LOG_OUTCOMES, Counters
from evermodel.serving.registry import Registry

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """Counters of requests, and the counts of logs and labels put beside them where all processes see them."""

    def __init__(self, models: Registry, counters: Counters) -> None:
        self._models = models
        self.counters = counters
        self.observe = counters.observe
        self._before: dict[int, list[float]] = {}

    def publish(self) -> None:
        """Write what logs and labels of this process have counted where all processes see it."""
        layout, width = self.counters.layout, len(LOG_OUTCOMES)
        for hosted in self._models.all:
            if hosted.log is not None:
                row = layout.versions.index(hosted.served.version)
                self._publish(layout.logs + row * width, hosted.log.counts)
            if hosted.feedback is not None:
                row = layout.models.index(hosted.served.model)
                self._publish(layout.labels + row * width, hosted.feedback.counts)

    def _publish(self, first: int, counts: Mapping[str, int]) -> None:
        """Set counts, on top of those of the process that had this part before."""
        places = range(first, first + len(LOG_OUTCOMES))
        before = self._before.setdefault(first, [self.counters.get(place) for place in places])
        for place, outcome, base in zip(places, LOG_OUTCOMES, before, strict=True):
            self.counters.set(place, counts.get(outcome, 0) + (0 if outcome in GAUGES else base))

    def render(self) -> bytes:
        """The text that Prometheus reads. Takes milliseconds: for a thread, after `publish`."""
        from evermodel.serving import metrics_text  # noqa: PLC0415  a server that nobody scrapes does not pay for it

        return metrics_text.render(self.counters, self._models.all)
