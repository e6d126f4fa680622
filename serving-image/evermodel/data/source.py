"""What a source is, and which class reads which source of the spec."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

import pandas as pd
import pyarrow as pa

from evermodel.data.secrets import read_secret, read_secret_keys
from evermodel.errors import SpecError
from evermodel_api.training import FileSource
from evermodel_api.training import Source as SourceSpec


class Source(Protocol):
    """Rows from one place. A new kind is one class; `evermodel.conformance.sources` says whether it holds up."""

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The rows, some at a time, so that no more than a few batches are in memory.

        A batch may lack a column that another has (all its values are missing), and types may differ as far as
        `evermodel.data.batches.merge_schemas` goes. A source without rows gives one batch with its columns, or none.

        Raises:
            SourceUnavailableError: `SourceUnreachable` when the place cannot be reached; the run is tried again.
            DataError, SpecError: the data or the spec is wrong, with a documented reason and one sentence.
        """

    def frame(self) -> pd.DataFrame:
        """All rows at once, with as little memory beside them as the kind of source allows.

        Raises:
            RunError: as `batches`.
        """


def open_source(source: SourceSpec, as_of: datetime, secrets: Path) -> Source:
    """The source, ready to be read. Nothing is asked of the place yet, but credentials are looked up.

    Args:
        source: an sql, file or http source of the spec.
        as_of: when the run began: `:asOf` of a query, `{asOf}` of an address.
        secrets: directory of the Secrets, `<secret>/<key>` below it.

    Raises:
        SpecError: `SecretKeyMissing`, `SecretInvalid`, or `SourceInvalid` when it is none of the three.
    """
    if source.file is not None:
        from evermodel.data.files import Files  # noqa: PLC0415  each kind needs libraries that the others do not

        reference = source.file.secret_ref
        return Files(source.name, source.file, read_secret_keys(secrets, reference.name) if reference else {})
    if source.http is not None:
        from evermodel.data.http import HttpApi  # noqa: PLC0415  as above

        headers = source.http.headers_from
        return HttpApi(
            source.name, source.http, as_of, read_secret_keys(secrets, headers.secret_ref.name) if headers else {}
        )
    if source.sql is None:
        raise SpecError("SourceInvalid", f"source {source.name!r} has neither sql nor file nor http; give it one")
    from evermodel.data.sql import Database  # noqa: PLC0415  as above

    return Database(source.name, read_secret(secrets, source.sql.secret_ref), source.sql.query, as_of)


def replace_sources(sources: Sequence[SourceSpec], files: Mapping[str, str]) -> list[SourceSpec]:
    """The sources, those named in `files` swapped for a local file.

    Raises:
        SpecError: `SourceUnknown` when a name is not that of a source.
    """
    known = [source.name for source in sources]
    for name in files:
        if name not in known:
            raise SpecError(
                "SourceUnknown", f"there is no source {name!r} to replace; the sources are {', '.join(known)}"
            )
    return [
        SourceSpec(name=source.name, file=FileSource(uri=files[source.name])) if source.name in files else source
        for source in sources
    ]
