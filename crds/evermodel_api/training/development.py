"""Which algorithms are tried, how they are searched, compared and measured, and what must hold before one may serve."""

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, WithJsonSchema, model_validator

from evermodel_api.base import ColumnName, Name, PositiveDuration, Rule, Schema
from evermodel_api.training.classes import Estimator
from evermodel_api.training.data import only_one_of
from evermodel_api.training.terms import Cost, InAnyOrder, Metric, Parameters


class IntRange(Schema):
    """Whole numbers."""

    min: int
    """Smallest."""
    max: int
    """Largest."""
    step: Annotated[int, Field(ge=1)] = 1
    """Distance of two neighbours; 1 with log."""
    log: bool = False
    """Whether to look at small numbers more closely than at large ones."""
    cel: ClassVar = (
        Rule("self.min <= self.max", "min must not be larger than max"),
        Rule("!self.log || (self.min >= 1 && self.step == 1)", "log needs a min of at least 1, and no step"),
    )


class FloatRange(Schema):
    """Numbers."""

    min: float
    """Smallest."""
    max: float
    """Largest."""
    log: bool = False
    """Whether to look at small numbers more closely than at large ones."""
    cel: ClassVar = (
        Rule("self.min <= self.max", "min must not be larger than max"),
        Rule("!self.log || self.min > 0.0", "log needs a min above 0"),
    )


Choices = Annotated[
    list[Any],
    Field(min_length=1, max_length=64),
    WithJsonSchema(
        {
            "type": "array",
            "minItems": 1,
            "maxItems": 64,
            "items": {"x-kubernetes-preserve-unknown-fields": True},
            "x-kubernetes-list-type": "atomic",
        }
    ),
]


class SearchRange(Schema):
    """Values that are tried for one parameter: one of int, float or choices."""

    # Not a rule: CEL cannot see a list whose items may be anything.
    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    int_: Annotated[IntRange | None, Field(alias="int")] = None
    """Whole numbers."""
    float_: Annotated[FloatRange | None, Field(alias="float")] = None
    """Numbers."""
    choices: Choices | None = None
    """These values."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if sum(way is not None for way in (self.int_, self.float_, self.choices)) != 1:
            raise ValueError("give exactly one of int, float or choices")
        return self


class AlgorithmContainer(Schema):
    """A user's own image that fits models (docs/containers.md)."""

    image: Annotated[str, Field(min_length=1, max_length=512)]
    """The image."""
    command: Annotated[list[str], Field(max_length=32)] = []
    """Its entry point; the image's own when not given."""
    args: Annotated[list[str], Field(max_length=64)] = []
    """Arguments."""


class Algorithm(Schema):
    """One candidate; the best by cross-validation wins."""

    name: Name
    """Name used in reports."""
    estimator: Estimator | None = None
    """Class name of scikit-learn, XGBoost or LightGBM. A classifier that gives no probabilities is calibrated."""
    container: AlgorithmContainer | None = None
    """A user's own image that fits the model."""
    params: Parameters = {}
    """Constructor parameters of the class, or what the container is told. An estimator inside another is written
    {LogisticRegression: {C: 0.5}}."""
    search: Annotated[
        dict[Annotated[str, Field(min_length=1, max_length=128)], SearchRange], Field(max_length=32), InAnyOrder
    ] = {}
    """Values that are tried for parameters of the class; a__b is the parameter b of the estimator a inside it."""
    cel: ClassVar = (
        only_one_of(("estimator", "container"), "give an algorithm either estimator or container, and not both"),
        Rule(
            "!has(self.container) || !has(self.search) || self.search.size() == 0",
            "a container is not searched: it is told params only",
        ),
    )


class CrossValidation(Schema):
    """How candidates are compared on the training rows."""

    kind: Literal["StratifiedKFold", "KFold", "GroupKFold", "TimeSeriesSplit"] | None = None
    """What fits data.split when not given: GroupKFold for Group, TimeSeriesSplit for Time, else StratifiedKFold for
    Classification and KFold for Regression."""
    folds: Annotated[int, Field(ge=2, le=20)] = 5
    """Number of folds."""


class Overfit(Schema):
    """A guard against a model that has learnt its rows by heart."""

    metric: Metric
    """What is compared."""
    max_train_test_gap: Annotated[float, Field(gt=0)]
    """How much better the value on the training rows may be than on the test rows, in the metric's own unit."""


class Calibration(Schema):
    """Turning scores into probabilities that mean what they say."""

    method: Literal["sigmoid", "isotonic"] = "sigmoid"
    """sigmoid (Platt) for few rows, isotonic for many."""
    folds: Annotated[int, Field(ge=2, le=20)] = 5
    """Folds of the training rows that it is fitted on."""


class Threshold(Schema):
    """The probability from which on the second class is answered, chosen on rows that the model was not fitted on."""

    metric: Literal[Metric.ACCURACY, Metric.F1, Metric.PRECISION, Metric.RECALL] = Metric.F1
    """What the threshold makes as good as it can be."""
    min_precision: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Only thresholds with at least this precision."""
    min_recall: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Only thresholds with at least this recall."""


class Slice(Schema):
    """Rows that are also measured by themselves."""

    by: ColumnName
    """A feature; each of its levels is a slice. Numbers are cut at their quartiles."""
    min_rows: Annotated[int, Field(ge=1)] = 20
    """A slice with fewer test rows is told and not judged."""


class Validation(Schema):
    """How candidates are chosen and what is measured."""

    cv: CrossValidation | None = None
    """How candidates are compared. Without it and with one candidate only, nothing is compared."""
    metrics: Annotated[list[Metric], Field(max_length=12)] = []
    """What is measured; the first one chooses where tuning.objective says nothing else. When none is given: roc_auc,
    f1, precision, recall, accuracy; or rmse, mae, r2."""
    overfit: Overfit | None = None
    """A guard against a model that has learnt its rows by heart."""
    calibration: Calibration | None = None
    """Classification: make the probabilities mean what they say."""
    threshold: Threshold | None = None
    """Classification with two classes: the probability from which on the second is answered; 0.5 when not given."""
    slices: Annotated[list[Slice], Field(max_length=8)] = []
    """Rows that are also measured by themselves, beside those that gates name."""


class Tuning(Schema):
    """The search over algorithms and their parameters."""

    objective: Metric | None = None
    """What is made as good as it can be; the first of validation.metrics when not given."""
    sampler: Literal["TPE", "Random", "Grid"] = "TPE"
    """How parameters are proposed. Grid tries every combination (ranges of numbers at up to 5 places)."""
    max_trials: Annotated[int, Field(ge=1, le=10000)] = 30
    """Trials in all; the first ones are the algorithms as they are written."""
    pruner: Literal["Median", "None"] = "Median"
    """Median gives a trial up after a fold that leaves it worse than half of the earlier trials at that fold."""
    workers: Annotated[int, Field(ge=1, le=256)] = 1
    """Pods (processes, without a cluster) that share the trials. The result does not depend on their number."""
    timeout: PositiveDuration | None = None
    """No trial begins after this. A search that is cut short so says so, and cannot be repeated to the bit."""


_MEASURED = [*map(str, Metric), *map(str, Cost)]


def _measured(name: str) -> str:
    if name not in _MEASURED:
        raise ValueError(f"{name!r} is nothing that is measured; use one of {', '.join(_MEASURED)}")
    return name


GateMetric = Annotated[str, AfterValidator(_measured), WithJsonSchema({"type": "string", "enum": _MEASURED})]
"""A metric of the answers, or a cost of the model."""


class Gate(Schema):
    """A condition that must hold before a version may serve."""

    metric: GateMetric
    """What is measured on the test rows, or latency_ms, size_mb or onnx_difference."""
    min: float | None = None
    """The value must be at least this."""
    max: float | None = None
    """The value must be at most this."""
    versus: Literal["champion"] | None = None
    """Compare with the live version, on the same rows. Holds when there is none."""
    rule: Literal["NotWorse", "Better"] | None = None
    """With versus: NotWorse refuses when the champion is better with the given confidence, Better when the challenger
    is not better with it (paired bootstrap)."""
    confidence: Annotated[float, Field(gt=0.5, lt=1)] | None = None
    """Confidence of the rule; 0.95 when not given."""
    max_drop: Annotated[float, Field(ge=0)] | None = None
    """With versus: how much worse than the champion the value may be, in the metric's own unit."""
    by: ColumnName | None = None
    """The gate must hold in each slice: for each level of this feature that has at least minRows test rows."""
    min_rows: Annotated[int, Field(ge=1)] | None = None
    """With by: a slice with fewer test rows is not judged; 20 when not given."""
    cel: ClassVar = (
        Rule(
            "[has(self.min), has(self.max), has(self.versus)].filter(x, x).size() == 1",
            "give a gate exactly one of min, max or versus",
        ),
        Rule(
            "has(self.versus) == (has(self.rule) || has(self.maxDrop)) && !(has(self.rule) && has(self.maxDrop))",
            "with versus: champion give either rule or maxDrop; without it give neither",
        ),
        Rule("!has(self.confidence) || has(self.rule)", "confidence belongs to rule"),
        Rule("!has(self.minRows) || has(self.by)", "minRows belongs to by"),
        Rule(
            "!(self.metric in ['latency_ms', 'size_mb', 'onnx_difference']) || (has(self.max) && !has(self.by))",
            "latency_ms, size_mb and onnx_difference take max only",
        ),
    )

    @property
    def cost(self) -> Cost | None:
        """The cost that is limited; None when the gate looks at the answers."""
        return Cost(self.metric) if self.metric in set(Cost) else None

    @property
    def score(self) -> Metric | None:
        """The metric of the answers; None when the gate limits a cost."""
        return None if self.cost else Metric(self.metric)
