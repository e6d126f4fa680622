"""From the spec's branches to a scikit-learn Pipeline, and to the columns that the model takes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline

from evermodel.data.columns import Column
from evermodel.errors import SpecError
from evermodel.training.estimators import make_estimator, make_transformer
from evermodel_api.training import Algorithm, ColumnBranch, Select, Transformer
from evermodel_api.training import Pipeline as PipelineSpec

_DEFAULT_BRANCHES = (
    ColumnBranch(
        name="numbers",
        select=Select(type="number"),
        steps=[{Transformer.SIMPLE_IMPUTER: {"strategy": "median"}}, {Transformer.STANDARD_SCALER: {}}],
    ),
    ColumnBranch(
        name="categories",
        select=Select(type="category"),
        # bounded: a column of free text must not become a hundred thousand columns
        steps=[{Transformer.ONE_HOT_ENCODER: {"max_categories": 100}}],
    ),
)
_ENCODERS = {Transformer.ONE_HOT_ENCODER, Transformer.ORDINAL_ENCODER}


@dataclass(frozen=True)
class Branch:
    """A branch with the columns it takes in these data."""

    spec: ColumnBranch
    index: int
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """Which columns go where."""

    branches: tuple[Branch, ...]
    """Branches that take at least one column."""
    features: tuple[Column, ...]
    """Columns that any branch takes, in the data's order, as the model takes them."""


def plan_columns(spec: PipelineSpec, columns: Sequence[Column]) -> Plan:
    """Give every branch its columns.

    A column of numbers that a branch selects by name and encodes (OneHotEncoder, OrdinalEncoder) is a category.

    Raises:
        SpecError: `ColumnMissing` when a branch names a column that is no feature; `ColumnKindsDiffer` when two
            branches take a column as a number and as a category; `NoFeatures` when no branch takes any column.
    """
    specs = spec.columns or _DEFAULT_BRANCHES
    branches = [Branch(branch, i, _selected(branch, i, columns)) for i, branch in enumerate(specs)]
    encoded = {name: branch for branch in branches if _encodes_by_name(branch.spec) for name in branch.columns}
    for branch in branches:
        for column in columns:
            if column.name in branch.columns and column.kind == "number":
                _check_kind(column, branch, encoded)
    taken = {name for branch in branches for name in branch.columns}
    if not taken:
        raise SpecError("NoFeatures", f"no branch of pipeline.columns takes a column; the data has {_names(columns)}")
    features = tuple(c.as_category() if c.name in encoded else c for c in columns if c.name in taken)
    return Plan(tuple(branch for branch in branches if branch.columns), features)


def build_pipeline(plan: Plan, algorithm: Algorithm, seed: int) -> Pipeline:
    """The pipeline of one algorithm, not fitted yet.

    Raises:
        SpecError: `ParameterUnknown`.
    """
    transformers = [(branch.spec.name, _build_steps(branch), list(branch.columns)) for branch in plan.branches]
    columns = ColumnTransformer(transformers, remainder="drop", sparse_threshold=0.0, verbose_feature_names_out=True)
    return Pipeline([("columns", columns), ("estimator", make_estimator(algorithm, seed))])


def _build_steps(branch: Branch) -> Pipeline:
    steps: list[tuple[str, Any]] = []
    for i, step in enumerate(branch.spec.steps):
        for transformer, parameters in step.items():
            where = f"pipeline.columns[{branch.index}].steps[{i}].{transformer}"
            steps.append((f"{i}-{transformer}", make_transformer(transformer, parameters, where)))
    return Pipeline(steps)


def _selected(branch: ColumnBranch, index: int, columns: Sequence[Column]) -> tuple[str, ...]:
    known = {column.name for column in columns}
    for field in ("columns", "exclude"):
        for name in getattr(branch.select, field):
            if name not in known:
                raise SpecError(
                    "ColumnMissing",
                    f"pipeline.columns[{index}].select.{field} names {name!r}, which is no feature; "
                    f"the features are {_names(columns)}",
                )
    wanted = set(branch.select.columns) or {c.name for c in columns if c.kind == branch.select.type}
    return tuple(c.name for c in columns if c.name in wanted and c.name not in branch.select.exclude)


def _encodes_by_name(branch: ColumnBranch) -> bool:
    return bool(branch.select.columns) and any(
        transformer in _ENCODERS for step in branch.steps for transformer in step
    )


def _check_kind(column: Column, branch: Branch, encoded: dict[str, Branch]) -> None:
    other = encoded.get(column.name)
    if other is not None and not _encodes_by_name(branch.spec):
        raise SpecError(
            "ColumnKindsDiffer",
            f"pipeline.columns: {branch.spec.name!r} takes the column {column.name!r} as a number and "
            f"{other.spec.name!r} as a category; add {column.name} to select.exclude of {branch.spec.name!r}",
        )


def _names(columns: Sequence[Column]) -> str:
    return ", ".join(column.name for column in columns) or "none"
