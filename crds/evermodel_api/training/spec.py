"""ModelTraining: how a model is made, from its sources to the gates it must pass."""

from typing import Annotated, ClassVar

from pydantic import Field

from evermodel_api.base import ColumnName, Rule, Schema
from evermodel_api.training.classes import OF_TASK
from evermodel_api.training.data import Data
from evermodel_api.training.development import Algorithm, Gate, Tuning, Validation
from evermodel_api.training.pipeline import Pipeline
from evermodel_api.training.run import Register, RunSettings, Triggers
from evermodel_api.training.terms import METRICS, Cost, Task


def _listed(names: list[str]) -> str:
    return "[" + ", ".join(f"'{name}'" for name in names) + "]"


_CLASSIFICATION, _REGRESSION = Task.CLASSIFICATION, Task.REGRESSION
_FITS_TASK = (
    f"self.algorithms.all(a, !has(a.estimator) || (self.task == 'Regression'"
    f" ? a.estimator in {_listed(OF_TASK[_REGRESSION])} : a.estimator in {_listed(OF_TASK[_CLASSIFICATION])}))"
)
_COSTS = [str(cost) for cost in Cost]
_METRICS_FIT_TASK = (
    "self.validation.metrics.all(m, m in (self.task == 'Regression'"
    f" ? {_listed(METRICS[_REGRESSION])} : {_listed(METRICS[_CLASSIFICATION])}))"
)
_GATES_FIT_TASK = (
    "self.gates.all(g, g.metric in (self.task == 'Regression'"
    f" ? {_listed(METRICS[_REGRESSION] + _COSTS)} : {_listed(METRICS[_CLASSIFICATION] + _COSTS)}))"
)
_METRICS_OF_TASK = (
    f"(self.task == 'Regression' ? {_listed(METRICS[_REGRESSION])} : {_listed(METRICS[_CLASSIFICATION])})"
)
_METRICS_HINT = (
    f"use {', '.join(METRICS[_REGRESSION])} for Regression and {', '.join(METRICS[_CLASSIFICATION])} for Classification"
)
_SPLIT_KIND = "has(self.data.split.kind)"
_CV_KIND = "has(self.validation) && has(self.validation.cv) && has(self.validation.cv.kind)"


class TrainingSpec(Schema):
    """How a model is made."""

    task: Task = Task.CLASSIFICATION
    """Classification (the answer is a class) or Regression (the answer is a number)."""
    target: ColumnName
    """The column that the model learns to answer."""
    data: Data
    """Where rows come from and how they are brought together, cleaned and divided."""
    pipeline: Pipeline = Pipeline()
    """What is computed and fitted, and travels with the model to serving."""
    algorithms: Annotated[list[Algorithm], Field(min_length=1, max_length=16)]
    """Candidates; the best by cross-validation wins."""
    validation: Validation = Validation()
    """How candidates are chosen and what is measured."""
    tuning: Tuning | None = None
    """The search over algorithms and their parameters. Without it each algorithm is tried as it is written, or, where
    one has a search, as tuning says by default."""
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
            "algorithms must fit the task: Regression takes regressors such as Ridge, Classification such as SVC",
        ),
        Rule(
            f"!has(self.validation) || !has(self.validation.metrics) || ({_METRICS_FIT_TASK})",
            f"validation.metrics must fit the task: {_METRICS_HINT}",
        ),
        Rule(
            f"!has(self.gates) || ({_GATES_FIT_TASK})",
            f"the metrics of gates must fit the task: {_METRICS_HINT}",
        ),
        Rule(
            "(!has(self.tuning) || !has(self.tuning.objective) || ("
            f"self.tuning.objective in {_METRICS_OF_TASK}"
            ")) && (!has(self.validation) || !has(self.validation.overfit) || ("
            f"self.validation.overfit.metric in {_METRICS_OF_TASK}"
            "))",
            f"tuning.objective and validation.overfit.metric must fit the task: {_METRICS_HINT}",
        ),
        Rule(
            "self.task == 'Classification' || ("
            f"(!{_SPLIT_KIND} || self.data.split.kind != 'Stratified')"
            f" && (!({_CV_KIND}) || self.validation.cv.kind != 'StratifiedKFold'))",
            "Regression has no classes to stratify by: use split kind Random and cv kind KFold",
        ),
        Rule(
            "self.task == 'Classification' || ((!has(self.validation) ||"
            " (!has(self.validation.calibration) && !has(self.validation.threshold)))"
            " && (!has(self.pipeline) || !has(self.pipeline.resample)))",
            "calibration, threshold and resample belong to Classification",
        ),
        Rule(
            f"!({_CV_KIND}) || ({_SPLIT_KIND} && self.data.split.kind == 'Time'"
            " ? self.validation.cv.kind == 'TimeSeriesSplit'"
            f" : {_SPLIT_KIND} && self.data.split.kind == 'Group' ? self.validation.cv.kind == 'GroupKFold'"
            " : self.validation.cv.kind in ['StratifiedKFold', 'KFold'])",
            "cv must divide rows as data.split does: TimeSeriesSplit with Time, GroupKFold with Group, StratifiedKFold "
            "or KFold with the others",
        ),
        Rule(
            "self.algorithms.map(a, a.name).all(n, self.algorithms.filter(a, a.name == n).size() == 1)",
            "give every algorithm a name of its own",
        ),
        Rule("!has(self.data.exclude) || !(self.target in self.data.exclude)", "the target cannot be in data.exclude"),
        Rule(
            "!has(self.tuning) || !has(self.run) || !has(self.run.engine) || !has(self.tuning.workers)"
            " || self.tuning.workers == 1",
            "give either tuning.workers or run.engine: fits are shared out once",
        ),
        Rule(
            "self.algorithms.all(a, !has(a.container)) || ((!has(self.tuning) || !has(self.tuning.workers)"
            " || self.tuning.workers == 1) && (!has(self.run) || !has(self.run.engine)))",
            "a container fits in the run's own pod: with one, tuning.workers is 1 and there is no run.engine",
        ),
    )
