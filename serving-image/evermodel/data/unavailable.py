"""The one failure of a source that may pass by itself."""

from evermodel.errors import RunError
from evermodel_api.runs import Exit


class SourceUnavailableError(RunError):
    """A source cannot be reached now. It may come back, so the run is tried again within its limit."""

    code = Exit.CRASHED
