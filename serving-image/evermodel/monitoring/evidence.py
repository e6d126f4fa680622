"""What one evaluation found about one version, as far as the decision needs it. Pure."""

from dataclasses import dataclass

from evermodel_api.monitor import Found, RequestCause

RETRAINABLE: dict[Found, RequestCause] = {
    Found.PERFORMANCE: RequestCause.PERFORMANCE,
    Found.CONCEPT: RequestCause.CONCEPT,
    Found.DRIFT: RequestCause.DRIFT,
}
"""What a new model may mend, the weightier first. Broken data and a sick system are not in it, and never will be."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one evaluation found about one version; None is what it could not judge, or was not asked to."""

    version: str
    drifted: bool | None = None
    degraded: bool | None = None
    healthy_data: bool | None = None
    concept: bool | None = None
    """Whether errors became more within the window."""
    estimated: bool | None = None
    """Whether the answers degraded as far as can be told without labels."""
    estimate_counts: bool = False
    """Whether a retraining may be asked for because of that."""

    @property
    def vote(self) -> list[Found] | None:
        """What was found wrong; None when nothing could be judged, which casts no vote."""
        judged = (self.drifted, self.degraded, self.concept, self.estimated, self.healthy_data)
        if all(finding is None for finding in judged):
            return None
        wrong = {
            Found.DATA: self.healthy_data is False,
            Found.PERFORMANCE: self.degraded or (self.estimated and self.estimate_counts),
            Found.CONCEPT: self.concept,
            Found.DRIFT: self.drifted,
            Found.ESTIMATE: self.estimated and not self.estimate_counts,
        }
        return [what for what, holds in wrong.items() if holds]


def causes(vote: list[Found]) -> list[RequestCause]:
    """What a retraining could be asked for because of this vote: broken data explain the rest, and are no reason."""
    if Found.DATA in vote:
        return []
    return [cause for what, cause in RETRAINABLE.items() if what in vote]
