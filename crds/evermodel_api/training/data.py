"""Where rows come from, how they are brought together and cleaned, and which are set aside for the test."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from evermodel_api.base import ColumnName, PositiveDuration, Reference, Rule, Schema, SecretKey
from evermodel_api.training.terms import InAnyOrder, Share


def only_one_of(fields: tuple[str, ...], message: str) -> Rule:
    """The rule that exactly one of these fields is given. Fields are named as they are on the wire."""
    listed = ", ".join(f"has(self.{field})" for field in fields)
    return Rule(f"[{listed}].filter(x, x).size() == 1", message)


class SqlSource(Schema):
    """Rows from a database."""

    secret_ref: SecretKey
    """The Secret that holds the SQLAlchemy URL, for example postgresql+psycopg://user:password@host/database."""
    query: Annotated[str, Field(min_length=1, max_length=16384)]
    """One SELECT. `:asOf` is bound to the moment the run began (a timestamp with time zone)."""


class FileSource(Schema):
    """Rows from files or an object store."""

    uri: Annotated[str, Field(min_length=1, max_length=2048)]
    """An fsspec URL such as s3://bucket/labs/*.parquet, or a path inside the pod. A glob reads all files that match."""
    format: Literal["csv", "parquet", "jsonl"] | None = None
    """csv, parquet or jsonl (one JSON object a line); from the file's suffix when not given."""
    secret_ref: Reference | None = None
    """A Secret whose keys are options of the file system. For s3: key, secret, token, endpoint_url, region."""


class HeadersFrom(Schema):
    """HTTP headers from a Secret."""

    secret_ref: Reference
    """A Secret: each key is a header's name, each value what the header says."""


class HttpSource(Schema):
    """Rows from an HTTP API that answers JSON."""

    uri: Annotated[str, Field(min_length=1, max_length=2048, pattern=r"^https?://")]
    """Address of the first page. `{asOf}` in it becomes the moment the run began (RFC 3339, percent-encoded)."""
    records: Annotated[str, Field(min_length=1, max_length=512)] = "@"
    """Where the rows are in the answer, as a JMESPath; `data[]` for {"data": [{...}]}. Rows are JSON objects."""
    next: Annotated[str, Field(min_length=1, max_length=512)] | None = None
    """Where the address of the next page is, as a JMESPath; it is the last page when there is none. The `Link` header's
    rel="next" is followed when neither next nor pageParameter is given."""
    page_parameter: Annotated[str, Field(min_length=1, max_length=128)] | None = None
    """Name of the query parameter that counts pages from firstPage; the first page without rows is the last."""
    first_page: Annotated[int, Field(ge=0)] = 1
    """Number of the first page, with pageParameter."""
    max_pages: Annotated[int, Field(ge=1, le=100_000)] = 10_000
    """The run fails when there are more: an API that pages in a circle must not be read for ever."""
    headers_from: HeadersFrom | None = None
    """Headers that are sent with each request, such as Authorization."""
    requests_per_second: Annotated[float, Field(gt=0, le=1000)] | None = None
    """The API is asked no more often than this. `Retry-After` is always obeyed."""
    timeout: PositiveDuration = "30s"
    """How long one answer may take."""
    retries: Annotated[int, Field(ge=0, le=20)] = 5
    """How often a request is repeated after a broken connection, 429 or 5xx, waiting longer each time."""
    cel: ClassVar = (
        Rule(
            "!has(self.next) || !has(self.pageParameter)",
            "give an http source either next or pageParameter, and not both",
        ),
    )


SourceName = Annotated[str, Field(min_length=1, max_length=63, pattern=r"^[a-z][a-z0-9_-]*$")]
"""Name of a source, or of what a step of combine makes."""


class Source(Schema):
    """One place that data comes from."""

    name: SourceName
    """The name that combine and `--set-source` use."""
    sql: SqlSource | None = None
    """Rows from a database."""
    file: FileSource | None = None
    """Rows from CSV, Parquet or JSON lines files."""
    http: HttpSource | None = None
    """Rows from an HTTP API."""
    cel: ClassVar = (only_one_of(("sql", "file", "http"), "give a source exactly one of sql, file or http"),)


AggregateFunction = Literal["count", "distinct", "sum", "mean", "std", "min", "max", "median", "first", "last"]


class Aggregate(Schema):
    """One row for each group."""

    in_: Annotated[SourceName, Field(alias="in")]
    """What is grouped: a source, or what an earlier step made."""
    by: Annotated[list[ColumnName], Field(min_length=1, max_length=16)]
    """Columns whose values make a group."""
    agg: Annotated[
        dict[ColumnName, Annotated[list[str], Field(min_length=2, max_length=3)]],
        Field(min_length=1, max_length=64),
        InAnyOrder,
    ]
    """New columns: {new: [column, function]}, for example {chol_mean: [chol, mean]}. Functions: count (values),
    distinct, sum, mean, std, min, max, median; first and last take the column that orders as a third item. Missing
    values do not count."""
    out: SourceName
    """Name of what this makes."""


class Join(Schema):
    """Columns of two tables side by side, where keys are equal."""

    left: SourceName
    """A source, or what an earlier step made."""
    right: SourceName
    """Another one."""
    on: Annotated[list[ColumnName], Field(min_length=1, max_length=16)]
    """Columns that both have."""
    how: Literal["left", "inner"] = "left"
    """left keeps rows of left that have no match, inner drops them."""
    validate_: Annotated[
        Literal["one_to_one", "many_to_one", "one_to_many", "many_to_many"], Field(alias="validate")
    ] = "many_to_one"
    """Whether keys may repeat on the left and on the right; the run fails when they do and must not."""
    max_unmatched: Share | None = None
    """The run fails when a larger share of the rows of left has no match."""
    out: SourceName
    """Name of what this makes."""


class Union(Schema):
    """Rows of several tables below each other."""

    of: Annotated[list[SourceName], Field(min_length=2, max_length=16)]
    """Sources, or what earlier steps made. Columns are matched by name; all must have the same ones."""
    out: SourceName
    """Name of what this makes."""


class CombineStep(Schema):
    """One relational step."""

    aggregate: Aggregate | None = None
    """One row for each group."""
    join: Join | None = None
    """Columns of two tables side by side."""
    union: Union | None = None
    """Rows of several tables below each other."""
    cel: ClassVar = (
        only_one_of(("aggregate", "join", "union"), "give a step of combine exactly one of aggregate, join or union"),
    )


class Dedupe(Schema):
    """Merge rows that describe the same thing."""

    keys: Annotated[list[ColumnName], Field(min_length=1, max_length=64)]
    """Columns that tell one thing from another."""
    keep: Literal["first", "last"] = "last"
    """Which of the equal rows stays, in the order of `by`."""
    by: ColumnName | None = None
    """Column that orders equal rows; the order of the source when not given."""


class DropMissing(Schema):
    """Drop rows in which a value is missing."""

    columns: Annotated[list[ColumnName], Field(min_length=1, max_length=256)]
    """Columns that must have a value."""


class Augment(Schema):
    """Make more training rows, or fewer.

    Done with the rows of each fit after the test and the fold's validation rows were set aside, so that no row that is
    measured on was ever made or copied.
    """

    method: Literal["jitter", "oversample", "undersample"]
    """jitter adds copies with noise in columns of numbers; oversample repeats rows of the rarer classes until all
    classes are as frequent; undersample leaves rows of the more frequent classes out."""
    columns: Annotated[list[ColumnName], Field(max_length=256)] = []
    """With jitter: columns of numbers that get noise."""
    scale: Annotated[float, Field(gt=0, le=1)] = 0.02
    """With jitter: standard deviation of the noise, as a share of the column's own."""
    times: Annotated[int, Field(ge=1, le=20)] = 1
    """With jitter: how many copies of each row are added."""
    cel: ClassVar = (
        Rule(
            "(self.method == 'jitter') == (has(self.columns) && size(self.columns) > 0)",
            "augment with method jitter takes columns, and the other methods take none",
        ),
    )


class RowStep(Schema):
    """One cleaning step that drops, merges or adds rows. Runs at training only."""

    dedupe: Dedupe | None = None
    """Merge rows with equal keys."""
    drop_missing: DropMissing | None = None
    """Drop rows with missing values."""
    augment: Augment | None = None
    """Make more training rows, or fewer."""
    cel: ClassVar = (
        only_one_of(
            ("dedupe", "dropMissing", "augment"),
            "give a step of rows exactly one of dedupe, dropMissing or augment",
        ),
    )


class ColumnSchema(Schema):
    """What a right value of a column looks like."""

    type: Literal["int", "number", "category", "bool", "date"]
    """int (whole numbers), number, category (text, or numbers that are told apart), bool, or date (ISO 8601). Values of
    another form are turned into it where that loses nothing: "42" into 42, 1.0 into 1."""
    min: float | None = None
    """Smallest right number."""
    max: float | None = None
    """Largest right number."""
    values: Annotated[list[str], Field(max_length=1000)] = []
    """The right categories."""
    missing: bool = True
    """Whether a value may be missing."""
    cel: ClassVar = (
        Rule(
            "self.type in ['int', 'number'] || (!has(self.min) && !has(self.max))",
            "min and max belong to columns of type int or number",
        ),
        Rule(
            "self.type == 'category' || !has(self.values) || size(self.values) == 0",
            "values belong to columns of type category",
        ),
    )


class OnFail(Schema):
    """What happens with wrong rows."""

    action: Literal["Quarantine", "Fail"] = "Quarantine"
    """Quarantine sets wrong rows aside, with what is wrong, for download; Fail ends the run at the first."""
    max_ratio: Share = 0.01
    """With Quarantine: the run fails when a larger share of the rows is wrong."""


class DataSchema(Schema):
    """What a right row looks like."""

    columns: Annotated[dict[ColumnName, ColumnSchema], Field(min_length=1, max_length=1024), InAnyOrder]
    """Columns that must be there, and what their values are."""
    on_fail: OnFail = OnFail()
    """What happens with wrong rows."""


class Split(Schema):
    """How rows are set aside for the test. The content of its features decides a row's side, so it stays."""

    kind: Literal["Stratified", "Random", "Group", "Time"] | None = None
    """Stratified keeps the classes' shares; Random does not; Group keeps rows of one group on one side; Time tests on
    the latest rows. Stratified for Classification and Random for Regression when not given."""
    by: ColumnName | None = None
    """With Group: the column that names the group. With Time: the column with the moment. It is no feature."""
    test: Annotated[float, Field(ge=0.05, le=0.5)] = 0.2
    """Share of rows held out for the test."""
    cel: ClassVar = (
        Rule(
            "(has(self.kind) && self.kind in ['Group', 'Time']) == has(self.by)",
            "split kinds Group and Time take by, the column of the group or of the moment; the others take none",
        ),
    )


class Data(Schema):
    """Where rows come from and how they are brought together, cleaned and divided."""

    sources: Annotated[list[Source], Field(min_length=1, max_length=16)]
    """Where rows come from."""
    combine: Annotated[list[CombineStep], Field(max_length=32)] = []
    """Relational steps, in order; the last one makes the rows of the training."""
    schema_: Annotated[DataSchema | None, Field(alias="schema")] = None
    """What a right row looks like, after combine and before rows."""
    rows: Annotated[list[RowStep], Field(max_length=32)] = []
    """Cleaning steps, in order. Training only: a served model never drops a row."""
    exclude: Annotated[list[ColumnName], Field(max_length=256)] = []
    """Columns that are no features: ids, timestamps."""
    split: Split = Split()
    """How rows are set aside for the test."""
    cel: ClassVar = (
        Rule(
            "self.sources.size() == 1 || (has(self.combine) && self.combine.size() > 0)",
            "several sources have to be brought together: give combine",
        ),
        Rule(
            "self.sources.map(s, s.name).all(n, self.sources.filter(s, s.name == n).size() == 1)",
            "give every source a name of its own",
        ),
    )
