"""Where things lie in the store, and what the columns of its logs are called. Pure: names only, no reads, no writes.

Every function takes the store's root (any fsspec URL or path, with or without a slash at its end) and gives a URL
below it.
Writers and readers of the store take their paths from here, so that they cannot disagree.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

ID: Final = "_id"
"""Request id (string)."""
ROW: Final = "_row"
"""Number of the row in its request, from 0 (int32)."""
AT: Final = "_at"
"""When the request, or the label, came (timestamp in UTC, microseconds)."""
PREDICTION: Final = "_prediction"
"""The answer as JSON text (string)."""
PROBABILITY: Final = "_probability"
"""Probability of each class in the signature's order (list of float64); only for classifiers."""
TRUTH: Final = "_truth"
"""What turned out to be true, as JSON text (string)."""
RESERVED: Final = frozenset({ID, ROW, AT, PREDICTION, PROBABILITY, TRUTH})
"""Names that the log itself needs: a feature with one of them is not logged."""

_HOUR_FORMAT = "%Y-%m-%dT%H"


def _below(store: str, *parts: str) -> str:
    return "/".join((store.rstrip("/"), *parts))


def artifact_directory(store: str, digest: str) -> str:
    """Directory of the artifact whose manifest has this digest (`sha256:<hex>` or the hex alone)."""
    return _below(store, "artifacts", digest.removeprefix("sha256:"))


def record_prefix(store: str, training: str) -> str:
    """Directory of the records of a training's finished runs."""
    return _below(store, "runs", training)


def record_file(store: str, training: str, run: int) -> str:
    """Record of one finished run."""
    return _below(record_prefix(store, training), f"{run}.json")


def run_file(store: str, training: str, run: int, name: str) -> str:
    """A document that lies beside the record of a run: one of the names below, or a trial."""
    return _below(record_prefix(store, training), str(run), name)


ORDER: Final = "order.json"
"""The run's frozen order: with the snapshot, all that is needed to make the version again."""
LEDGER: Final = "ledger.json"
"""Everything that was measured: `evermodel.training.ledger.Ledger`."""
CARD: Final = "card.html"
"""The model card."""
EDA_PAGE: Final = "eda.html"
"""The report on the data, for people."""
EDA_DOCUMENT: Final = "eda.json"
"""The same for programs."""
QUARANTINE: Final = "quarantine.parquet"
"""Wrong rows, with a column `_wrong` that says why."""
MIRRORED: Final = "mirrored.json"
"""Where the run was copied to, or why not: `evermodel.training.memory.Mirrored`."""
READ: Final = "read.json"
"""Which snapshot the run has read, once it has."""
WORK: Final = "work.json"
"""What the workers of a search have to know: `evermodel.training.search`."""


def snapshot_file(store: str, digest: str) -> str:
    """The rows that a run read, as one Parquet file whose sha256 is `digest`."""
    return _below(store, "snapshots", f"{digest.removeprefix('sha256:')}.parquet")


def hour_name(moment: datetime) -> str:
    """Name of the folder for an hour, in UTC; a moment without a zone is read as UTC.

    >>> hour_name(datetime(2026, 11, 24, 9, 59, tzinfo=UTC))
    '2026-11-24T09'
    """
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware.astimezone(UTC).strftime(_HOUR_FORMAT)


def hour_names(start: datetime, end: datetime) -> list[str]:
    """Names of the folders that can hold rows with start <= `_at` <= end, oldest first; none if it ends before."""
    first = datetime.strptime(hour_name(start), _HOUR_FORMAT).replace(tzinfo=UTC)
    last = datetime.strptime(hour_name(end), _HOUR_FORMAT).replace(tzinfo=UTC)
    return [hour_name(first + timedelta(hours=n)) for n in range(int((last - first) / timedelta(hours=1)) + 1)]


def hour_of_name(name: str) -> datetime | None:
    """The beginning of the hour that a folder is named after, in UTC; None for another name.

    >>> hour_of_name("2026-11-24T09"), hour_of_name("other")
    (datetime.datetime(2026, 11, 24, 9, 0, tzinfo=datetime.timezone.utc), None)
    """
    try:
        return datetime.strptime(name, _HOUR_FORMAT).replace(tzinfo=UTC)
    except ValueError:
        return None


def log_prefix(store: str, deployment: str, version: str) -> str:
    """Directory of the prediction log of one version, with one folder for each hour."""
    return _below(store, "log", deployment, version)


def log_file(store: str, deployment: str, version: str, moment: datetime, name: str) -> str:
    """One file of the prediction log; `moment` is the `_at` of its rows, `name` that of `batch_name`."""
    return _below(log_prefix(store, deployment, version), hour_name(moment), name)


def feedback_prefix(store: str, deployment: str) -> str:
    """Directory of the labels, with one folder for each hour in which they came."""
    return _below(store, "feedback", deployment)


def feedback_file(store: str, deployment: str, moment: datetime, name: str) -> str:
    """One file of labels; `moment` is the `_at` of its rows, `name` that of `batch_name`."""
    return _below(feedback_prefix(store, deployment), hour_name(moment), name)


def batch_name(pod: str, sequence: int) -> str:
    """Name of one batch.

    `pod` names one process and not only one pod, so that a restarted container does not write over its own files.

    >>> batch_name("heart-3-x7k2p-1f9c", 12)
    'heart-3-x7k2p-1f9c-00000012.parquet'
    """
    return f"{pod}-{sequence:08d}.parquet"


def rehearsal_file(store: str, deployment: str, candidate: str) -> str:
    """Whole document of a candidate's rehearsal."""
    return _below(store, "rehearsals", deployment, f"{candidate}.json")


def report_prefix(store: str, monitor: str) -> str:
    """Folder of a monitor's reports."""
    return _below(store, "reports", monitor)


def report_file(store: str, monitor: str, evaluation: str) -> str:
    """Whole document of one evaluation."""
    return f"{report_prefix(store, monitor)}/{evaluation}.json"


def report_page_file(store: str, monitor: str, evaluation: str) -> str:
    """The same as a page for people."""
    return f"{report_prefix(store, monitor)}/{evaluation}.html"
