"""The prediction log: requests and answers, kept before an answer leaves and written as Parquet in the background.

Layout and column names are those of `evermodel.artifact.layout`. A request is kept or left out whole, by a hash of its
id, so that every pod decides alike and a label finds all rows of its request or none.
"""

import secrets
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from evermodel.artifact import layout
from evermodel.artifact.signature import Signature
from evermodel.serving.batch import Batch
from evermodel.serving.log_form import LogForm, texts_of_unseen
from evermodel.serving.spool.spool import Spool
from evermodel_api.base import parse_duration
from evermodel_api.deployment import PredictionLog


@dataclass(frozen=True)
class LogTarget:
    """Where the log of one version goes."""

    store: str
    """fsspec URL of the store's root."""
    deployment: str
    version: str


def process_name(host: str) -> str:
    """A name for this process that its successors in the same pod do not have."""
    return f"{host}-{secrets.token_hex(4)}"


def is_sampled(request_id: str, share: float) -> bool:
    """Whether a request belongs to the kept share.

    >>> [is_sampled("a", share) for share in (0.0, 1.0)]
    [False, True]
    """
    return zlib.crc32(request_id.encode()) < share * 2**32


def logged_places(signature: Signature, redact: Sequence[str]) -> list[int]:
    """Places of the features that are kept: neither redacted ones nor names that the log itself needs."""
    hidden = layout.RESERVED | set(redact)
    return [place for place, name in enumerate(signature.names) if name not in hidden]


class PredictionLogger:
    """Keeps the requests of one version. `received = stored + sampled_out + dropped + pending`, at any moment."""

    def __init__(self, target: LogTarget, signature: Signature, settings: PredictionLog, spool: Spool) -> None:
        kept = logged_places(signature, settings.redact)
        self._sampled_out = 0
        self._share = settings.sample
        self._kept = None if len(kept) == len(signature.columns) else np.array(kept, dtype=np.intp)
        texts = [place for place in kept if signature.columns[place].kind == "category"]
        self._has_texts = bool(texts)
        self._dates = [place for place in texts if signature.columns[place].format is not None]
        self._categories = [place for place in texts if signature.columns[place].format is None]
        self._new_places = {old: new for new, old in enumerate(kept)}
        self._answer = np.dtype(np.int64 if signature.classes else np.float64)
        self._form = LogForm.of(target.store, target.deployment, target.version, signature, kept)
        self._spool = spool
        self._stream = spool.open_stream(self._form, parse_duration(settings.flush).total_seconds())
        self._append = self._stream.append

    @property
    def counts(self) -> dict[str, int]:
        """Requests so far, by what became of them, and the failures of writing.

        `recovered` are those that an earlier process had received and left in the spool, and that were stored since;
        they are in none of the other numbers.
        """
        sampled_out = self._sampled_out
        counts = self._stream.counts
        return {
            "received": counts.received + sampled_out,
            "stored": counts.stored,
            "sampled_out": sampled_out,
            "dropped": counts.dropped,
            "pending": counts.pending,
            "write_failures": counts.write_failures,
            "recovered": self._spool.recovered(self._form),
        }

    def put(
        self,
        request_id: str,
        at_micros: int,
        batch: Batch,
        numbers: NDArray[Any],
        probabilities: NDArray[np.float64] | None,
    ) -> None:
        """Keep a request that was answered. Never waits, never fails; when it returns, the record outlives the process.

        Args:
            request_id: its id.
            at_micros: when it came, in microseconds since 1970.
            batch: its rows.
            numbers: class numbers or values, shape (rows,).
            probabilities: shape (rows, classes), for a classifier.
        """
        identity = request_id.encode(errors="replace")
        if self._share < 1.0 and zlib.crc32(identity) >= self._share * 2**32:
            self._sampled_out += 1
            return
        values = batch.values if self._kept is None else batch.values[:, self._kept]
        if numbers.dtype is not self._answer:
            numbers = numbers.astype(self._answer)
        shares, shown = (0, b"") if probabilities is None else (probabilities.shape[1], probabilities.tobytes())
        words = self._words(batch) if self._has_texts else b""
        payload = b"".join((numbers.tobytes(), shown, values.tobytes(), identity, words))
        self._append(at_micros, len(values), shares, identity, payload)

    def close(self) -> None:
        """Store what waits."""
        self._spool.close_stream(self._stream)

    def _words(self, batch: Batch) -> bytes:
        """The texts that the matrix cannot say; nothing where it says all."""
        said = texts_of_unseen(batch.values, batch.texts, self._categories) if self._categories else []
        for place in self._dates:
            said += [[row, place, text] for row, text in enumerate(batch.texts[place]) if text is not None]
        if not said:
            return b""
        new = self._new_places
        return _json([[row, new[place], text] for row, place, text in said])


def _json(said: list[Any]) -> bytes:
    try:
        return orjson.dumps(said)
    except orjson.JSONEncodeError:  # half of a surrogate pair, which is no text that a file could hold
        return orjson.dumps([[row, place, text.encode(errors="replace").decode()] for row, place, text in said])
