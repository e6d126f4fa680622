"""ModelTraining: how a model is made, from its sources to the gates it must pass."""

from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, WithJsonSchema

from evermodel_api.base import (
    ColumnName,
    Conditions,
    Digest,
    Duration,
    Name,
    PositiveDuration,
    Resources,
    Rule,
    Schema,
    SecretKey,
    Timestamp,
)


class Task(StrEnum):
    """What the model answers: a class or a number."""

    CLASSIFICATION = "Classification"
    REGRESSION = "Regression"


class Estimator(StrEnum):
    """The algorithms that a training may name, by their class names."""

    LINEAR_REGRESSION = "LinearRegression"
    LOGISTIC_REGRESSION = "LogisticRegression"
    DECISION_TREE_CLASSIFIER = "DecisionTreeClassifier"
    DECISION_TREE_REGRESSOR = "DecisionTreeRegressor"
    RANDOM_FOREST_CLASSIFIER = "RandomForestClassifier"
    RANDOM_FOREST_REGRESSOR = "RandomForestRegressor"
    KNEIGHBORS_CLASSIFIER = "KNeighborsClassifier"
    KNEIGHBORS_REGRESSOR = "KNeighborsRegressor"
    MLP_CLASSIFIER = "MLPClassifier"
    MLP_REGRESSOR = "MLPRegressor"
    HIST_GRADIENT_BOOSTING_CLASSIFIER = "HistGradientBoostingClassifier"
    HIST_GRADIENT_BOOSTING_REGRESSOR = "HistGradientBoostingRegressor"
    XGB_CLASSIFIER = "XGBClassifier"
    XGB_REGRESSOR = "XGBRegressor"


class Transformer(StrEnum):
    """The fitted preparation steps that a pipeline may name, by their scikit-learn class names."""

    SIMPLE_IMPUTER = "SimpleImputer"
    STANDARD_SCALER = "StandardScaler"
    MIN_MAX_SCALER = "MinMaxScaler"
    ROBUST_SCALER = "RobustScaler"
    ONE_HOT_ENCODER = "OneHotEncoder"
    ORDINAL_ENCODER = "OrdinalEncoder"


class Metric(StrEnum):
    """What a model is measured by. Errors (rmse, mae) are better when smaller, all others when larger."""

    ACCURACY = "accuracy"
    PRECISION = "precision"
    RECALL = "recall"
    F1 = "f1"
    ROC_AUC = "roc_auc"
    RMSE = "rmse"
    MAE = "mae"
    R2 = "r2"

    @property
    def larger_is_better(self) -> bool:
        """Whether a larger value means a better model."""
        return self not in {Metric.RMSE, Metric.MAE}

    @property
    def task(self) -> Task:
        """The task whose models this metric measures."""
        return Task.REGRESSION if self in {Metric.RMSE, Metric.MAE, Metric.R2} else Task.CLASSIFICATION


Parameters = Annotated[
    dict[str, Any],
    WithJsonSchema({"type": "object", "x-kubernetes-preserve-unknown-fields": True, "maxProperties": 64}),
]
"""Constructor parameters of a scikit-learn class; checked against its signature when the run starts."""


class SqlSource(Schema):
    """Rows from a database."""

    secret_ref: SecretKey
    """The Secret that holds the SQLAlchemy URL, for example postgresql+psycopg://user:password@host/database."""
    query: Annotated[str, Field(min_length=1, max_length=16384)]
    """One SELECT. `:asOf` is bound to the moment the run began (a timestamp with time zone)."""


class FileSource(Schema):
    """Rows from files."""

    uri: Annotated[str, Field(min_length=1, max_length=2048)]
    """An fsspec URL, or a path inside the pod; a glob such as file:///data/*.parquet reads all that match."""
    format: Literal["csv", "parquet"] | None = None
    """csv or parquet; from the file's suffix when not given."""


class Source(Schema):
    """One place that data comes from."""

    name: Name
    """The name other steps and `--set-source` use."""
    sql: SqlSource | None = None
    """Rows from a database."""
    file: FileSource | None = None
    """Rows from CSV or Parquet files."""
    cel: ClassVar = (Rule("has(self.sql) != has(self.file)", "give a source either sql or file, and not both"),)


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


class RowStep(Schema):
    """One cleaning step that drops or merges rows. Runs at training only."""

    dedupe: Dedupe | None = None
    """Merge rows with equal keys."""
    drop_missing: DropMissing | None = None
    """Drop rows with missing values."""
    cel: ClassVar = (
        Rule(
            "has(self.dedupe) != has(self.dropMissing)",
            "give a step of rows either dedupe or dropMissing, and not both",
        ),
    )


class Split(Schema):
    """How rows are set aside for the test. A row's side is decided by its content, so it stays from run to run."""

    kind: Literal["Stratified", "Random"] | None = None
    """Stratified keeps the classes' shares; Random does not. Stratified for Classification when not given."""
    test: Annotated[float, Field(ge=0.05, le=0.5)] = 0.2
    """Share of rows held out for the test."""


class Data(Schema):
    """Where rows come from and how they are cleaned and divided."""

    sources: Annotated[list[Source], Field(min_length=1, max_length=1)]
    """The source of the rows (one for now)."""
    rows: Annotated[list[RowStep], Field(max_length=32)] = []
    """Cleaning steps, in order. Training only: a served model never drops a row."""
    exclude: Annotated[list[ColumnName], Field(max_length=256)] = []
    """Columns that are no features: ids, timestamps."""
    split: Split = Split()
    """How rows are set aside for the test."""


class Select(Schema):
    """Which columns a branch of the pipeline takes."""

    type: Literal["number", "category"] | None = None
    """All columns of this type; text and booleans are categories."""
    columns: Annotated[list[ColumnName], Field(max_length=1024)] = []
    """These columns by name."""
    exclude: Annotated[list[ColumnName], Field(max_length=1024)] = []
    """All but these."""
    cel: ClassVar = (
        Rule(
            "has(self.type) != (has(self.columns) && size(self.columns) > 0)",
            "select columns either by type or by columns, and not both",
        ),
    )


class ColumnBranch(Schema):
    """Steps for some of the columns: a branch of scikit-learn's ColumnTransformer."""

    name: Name
    """Name of the branch."""
    select: Select
    """Which columns it takes."""
    steps: Annotated[
        list[Annotated[dict[Transformer, Parameters], Field(min_length=1, max_length=1)]],
        Field(min_length=1, max_length=8),
    ]
    """scikit-learn transformers by class name with parameters, for example [{SimpleImputer: {strategy: median}}]."""


class Pipeline(Schema):
    """What is fitted on the training rows and travels with the model to serving."""

    columns: Annotated[list[ColumnBranch], Field(max_length=32)] = []
    """Branches. When none is given: numbers get the median for missing values and are scaled, categories are one-hot
    encoded."""


class Algorithm(Schema):
    """One candidate; the best by cross-validation wins."""

    name: Name
    """Name used in reports."""
    estimator: Estimator
    """scikit-learn or XGBoost class name."""
    params: Parameters = {}
    """Constructor parameters of that class."""


class CrossValidation(Schema):
    """How candidates are compared on the training rows."""

    kind: Literal["StratifiedKFold", "KFold"] | None = None
    """StratifiedKFold for Classification and KFold for Regression when not given."""
    folds: Annotated[int, Field(ge=2, le=20)] = 5
    """Number of folds."""


class Validation(Schema):
    """How candidates are chosen and what is measured."""

    cv: CrossValidation = CrossValidation()
    """How candidates are compared."""
    metrics: Annotated[list[Metric], Field(max_length=8)] = []
    """What is measured; the first one chooses. When none is given: roc_auc, f1, precision, recall, accuracy; or rmse,
    mae, r2."""


class Gate(Schema):
    """A condition that must hold before a version may serve."""

    metric: Metric
    """What is measured, on the test rows."""
    min: float | None = None
    """The value must be at least this."""
    max: float | None = None
    """The value must be at most this."""
    versus: Literal["champion"] | None = None
    """Compare with the live version, on the same rows. Holds when there is none."""
    rule: Literal["NotWorse"] | None = None
    """With versus: NotWorse refuses when the champion is better with the given confidence (paired bootstrap)."""
    confidence: Annotated[float, Field(gt=0.5, lt=1)] | None = None
    """Confidence of NotWorse; 0.95 when not given."""
    max_drop: Annotated[float, Field(ge=0)] | None = None
    """With versus: how much worse than the champion the value may be, in the metric's own unit."""
    cel: ClassVar = (
        Rule(
            "[has(self.min), has(self.max), has(self.versus)].filter(x, x).size() == 1",
            "give a gate exactly one of min, max or versus",
        ),
        Rule(
            "has(self.versus) == (has(self.rule) || has(self.maxDrop)) && !(has(self.rule) && has(self.maxDrop))",
            "with versus: champion give either rule: NotWorse or maxDrop; without it give neither",
        ),
        Rule("!has(self.confidence) || has(self.rule)", "confidence belongs to rule: NotWorse"),
    )


class Register(Schema):
    """What happens with a model that passed its gates."""

    approval: Literal["Auto", "Manual"] = "Auto"
    """Manual waits for a person: kubectl annotate modelversion NAME evermodel.dev/approve=yes (or =no)."""


class Triggers(Schema):
    """What starts a run, beside drift monitors and people."""

    on_spec_change: bool = True
    """Run again when this spec changes."""


class TimeToLive(Schema):
    """How long the Job of a finished run is kept."""

    succeeded: Duration = "1d"
    """After a run that made a version."""
    failed: Duration = "7d"
    """After a run that failed."""


class RunSettings(Schema):
    """How a run is executed."""

    seed: Annotated[int, Field(ge=0, le=4294967295)] = 0
    """Seed of every random choice."""
    resources: Resources = Resources(requests={"cpu": "500m", "memory": "512Mi"}, limits={"memory": "2Gi"})
    """What the training pod asks for and may use."""
    backoff_limit: Annotated[int, Field(ge=0, le=10)] = 2
    """How often a crashed pod is tried again. Wrong data and wrong specs are never retried."""
    deadline: PositiveDuration = "1h"
    """The run fails when it takes longer."""
    ttl: TimeToLive = TimeToLive()
    """How long the Job of a finished run is kept."""
    suspend: bool = False
    """Start no run. One that is under way goes on."""


_FITS_TASK = (
    "self.algorithms.all(a, self.task == 'Regression'"
    " ? (a.estimator.endsWith('Regressor') || a.estimator == 'LinearRegression')"
    " : (a.estimator.endsWith('Classifier') || a.estimator == 'LogisticRegression'))"
)
_METRICS_FIT_TASK = (
    "self.task == 'Regression' ? %(where)s.all(m, m%(item)s in ['rmse', 'mae', 'r2'])"
    " : %(where)s.all(m, m%(item)s in ['accuracy', 'precision', 'recall', 'f1', 'roc_auc'])"
)
_METRICS_HINT = "use rmse, mae, r2 for Regression and accuracy, precision, recall, f1, roc_auc for Classification"


class TrainingSpec(Schema):
    """How a model is made."""

    task: Task = Task.CLASSIFICATION
    """Classification (the answer is a class) or Regression (the answer is a number)."""
    target: ColumnName
    """The column that the model learns to answer."""
    data: Data
    """Where rows come from and how they are cleaned and divided."""
    pipeline: Pipeline = Pipeline()
    """What is fitted on the training rows and travels with the model to serving."""
    algorithms: Annotated[list[Algorithm], Field(min_length=1, max_length=16)]
    """Candidates; the best by cross-validation wins."""
    validation: Validation = Validation()
    """How candidates are chosen and what is measured."""
    gates: Annotated[list[Gate], Field(max_length=16)] = []
    """All must hold before a version may serve."""
    register_: Annotated[Register, Field(alias="register")] = Register()
    """What happens with a model that passed its gates."""
    triggers: Triggers = Triggers()
    """What starts a run, beside drift monitors and people."""
    run: RunSettings = RunSettings()
    """How a run is executed."""
    cel: ClassVar = (
        Rule(
            _FITS_TASK,
            "algorithms must fit the task: Regression takes LinearRegression and names ending in Regressor, "
            "Classification takes LogisticRegression and names ending in Classifier",
        ),
        Rule(
            "!has(self.validation) || !has(self.validation.metrics) || ("
            + _METRICS_FIT_TASK % {"where": "self.validation.metrics", "item": ""}
            + ")",
            f"validation.metrics must fit the task: {_METRICS_HINT}",
        ),
        Rule(
            "!has(self.gates) || (" + _METRICS_FIT_TASK % {"where": "self.gates", "item": ".metric"} + ")",
            f"the metrics of gates must fit the task: {_METRICS_HINT}",
        ),
        Rule(
            "self.task == 'Classification' || ((!has(self.data.split.kind) || self.data.split.kind != 'Stratified')"
            " && (!has(self.validation.cv.kind) || self.validation.cv.kind != 'StratifiedKFold'))",
            "Regression has no classes to stratify by: use split kind Random and cv kind KFold",
        ),
        Rule(
            "self.algorithms.map(a, a.name).all(n, self.algorithms.filter(a, a.name == n).size() == 1)",
            "give every algorithm a name of its own",
        ),
        Rule("!has(self.data.exclude) || !(self.target in self.data.exclude)", "the target cannot be in data.exclude"),
    )


class Cause(Schema):
    """Why a run was started."""

    by: Annotated[str, Field(max_length=253)]
    """Who asked: spec, driftmonitor/NAME, or person/KEY."""
    reason: Annotated[str, Field(max_length=253)]
    """Created, SpecChanged, Requested, or the monitor's cause (Performance, Drift)."""
    request: Annotated[str, Field(max_length=253)] | None = None
    """Id of the request, so that each is acted on once."""


class CurrentRun(Schema):
    """The run that is under way."""

    id: str
    """Number of the run."""
    cause: Cause
    """Why it was started."""
    phase: str
    """Starting, Training or Recording."""
    job: str
    """Name of its Job."""
    spec_digest: Digest
    """sha256 of the spec it runs."""
    started: Timestamp
    """When it was started."""


class PastRun(Schema):
    """A run that ended."""

    id: str
    """Number of the run."""
    outcome: str
    """Succeeded (a version was made), Refused (a gate refused it) or Failed."""
    cause: Cause
    """Why it was started."""
    version: str | None = None
    """The ModelVersion that it made."""
    metrics: dict[str, str] = {}
    """What the version scored on the test rows."""
    data_digest: Digest | None = None
    """sha256 of the rows it was trained on."""
    spec_digest: Digest
    """sha256 of the spec it ran."""
    started: Timestamp
    """When it was started."""
    finished: Timestamp
    """When it ended."""
    message: Annotated[str, Field(max_length=1024)] = ""
    """One sentence for people."""


class TrainingStatus(Schema):
    """What the operator reports. Bounded: the last 10 runs."""

    observed_generation: int | None = None
    """The generation of the spec that was looked at."""
    champion: str | None = None
    """The version that serves, or the newest approved one where nothing serves it."""
    run: CurrentRun | None = None
    """The run that is under way."""
    runs: Annotated[list[PastRun], Field(max_length=10)] = []
    """The last 10 runs, newest first."""
    acknowledged: Annotated[dict[str, str], Field(max_length=64)] = {}
    """The last request of each asker that was acted on."""
    conditions: Conditions = []
    """Running, Complete, Failed, GatePassed; Reconciling and Stalled only while true."""
