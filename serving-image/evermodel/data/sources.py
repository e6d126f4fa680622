"""From a source of the spec to a frame of raw rows."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import pandas as pd

from evermodel.data.files import read_files
from evermodel.data.secrets import read_secret
from evermodel.errors import SpecError
from evermodel_api.training import FileSource, Source


def replace_sources(sources: Sequence[Source], files: Mapping[str, str]) -> list[Source]:
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
        Source(name=source.name, file=FileSource(uri=files[source.name])) if source.name in files else source
        for source in sources
    ]


def read_source(source: Source, as_of: datetime, secrets: Path) -> pd.DataFrame:
    """Rows of one source.

    Args:
        source: an sql or a file source.
        as_of: what `:asOf` is bound to.
        secrets: directory of the Secrets, `<secret>/<key>` below it.

    Raises:
        DataError, SpecError, SourceUnavailableError: as `read_files`, `read_secret` and `read_sql`.
    """
    if source.file is not None:
        return read_files(source.name, source.file)
    if source.sql is None:
        raise SpecError("SourceInvalid", f"source {source.name!r} has neither sql nor file; give it one of them")
    from evermodel.data.sql import read_sql  # noqa: PLC0415  SQLAlchemy is slow to import, and files need none of it

    url = read_secret(secrets, source.sql.secret_ref)
    return read_sql(source.name, url, source.sql.query, as_of)
