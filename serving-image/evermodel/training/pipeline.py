"""From the spec's pipeline to the columns that a model takes, and to scikit-learn steps that are not fitted yet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evermodel.artifact.signature import Signature
from evermodel.data.columns import Column
from evermodel.errors import SpecError
from evermodel_api.training import ColumnBranch, Parameters, Select, Task
from evermodel_api.training import Pipeline as PipelineSpec

_DEFAULT_BRANCHES = (
    ColumnBranch(
        name="numbers",
        select=Select(type="number"),
        steps=[{"SimpleImputer": {"strategy": "median"}}, {"StandardScaler": {}}],
    ),
    ColumnBranch(
        name="categories",
        select=Select(type="category"),
        # bounded: a column of free text must not become a hundred thousand columns
        steps=[{"OneHotEncoder": {"max_categories": 100}}],
    ),
)
_ENCODERS = {"OneHotEncoder", "OrdinalEncoder", "TargetEncoder"}


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
    """Columns that any branch or step of prepare takes, in the data's order, as the model takes them."""
    prepare: tuple[dict[str, Any], ...] = ()
    """Stateless steps, as the spec writes them."""
    select: tuple[str, Parameters] | None = None
    """Class of the feature selection, with its parameters."""
    notes: tuple[str, ...] = ()
    """What was left out, for people."""


@dataclass(frozen=True)
class _Available:
    """A column that a branch may take: of the data, or made by prepare."""

    name: str
    kind: str


def plan_columns(spec: PipelineSpec, columns: Sequence[Column]) -> Plan:
    """Give every branch its columns.

    A column of numbers that a branch selects by name and encodes (OneHotEncoder, OrdinalEncoder, TargetEncoder) is a
    category. A column of dates is taken by steps of prepare only.

    Raises:
        SpecError: `ColumnMissing` when a branch or step names a column that is not there; `ColumnNotAFeature` when a
            branch names a column of dates; `ColumnKindsDiffer` when two branches take a column as a number and as a
            category; `PrepareInvalid`; `NoFeatures` when no branch takes any column.
    """
    steps = tuple(step.dump() for step in spec.prepare)
    available = _available(steps, columns)
    branches = [
        Branch(branch, i, _selected(branch, i, available)) for i, branch in enumerate(spec.columns or _DEFAULT_BRANCHES)
    ]
    encoded = {name: branch for branch in branches if _encodes_by_name(branch.spec) for name in branch.columns}
    for branch in branches:
        for column in available:
            if column.name in branch.columns and column.kind == "number":
                _check_kind(column, branch, encoded)
    taken = {name for branch in branches for name in branch.columns}
    if not taken:
        raise SpecError("NoFeatures", f"no branch of pipeline.columns takes a column; the data has {_names(available)}")
    steps = _needed(steps, taken)
    taken |= {name for step in steps for names in _taken(step) for name in names}
    features = tuple(c.as_category() if c.name in encoded else c for c in columns if c.name in taken)
    return Plan(
        branches=tuple(branch for branch in branches if branch.columns),
        features=features,
        prepare=steps,
        select=next(iter(spec.select.items())) if spec.select else None,
        notes=tuple(
            f"the column {c.name!r} holds dates and no step of pipeline.prepare takes it: it is no feature"
            for c in columns
            if c.kind == "moment" and c.name not in taken
        ),
    )


def _taken(step: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    from evermodel.artifact.prepare import names_taken  # noqa: PLC0415  scikit-learn is slow to import

    return names_taken(step)


def _made(step: Mapping[str, Any]) -> list[str]:
    from evermodel.artifact.prepare import names_made  # noqa: PLC0415  scikit-learn is slow to import

    return names_made(step)


def _available(steps: Sequence[dict[str, Any]], columns: Sequence[Column]) -> list[_Available]:
    """Columns of the data and those that prepare makes, in order.

    Raises:
        SpecError: `ColumnMissing`, `PrepareInvalid`.
    """
    available = {column.name: _Available(column.name, column.kind) for column in columns}
    for i, step in enumerate(steps):
        ((kind, _),) = step.items()
        where = f"pipeline.prepare[{i}].{kind}"
        numbers, dates = _taken(step)
        for name in [*numbers, *dates]:
            if name not in available:
                raise SpecError(
                    "ColumnMissing",
                    f"{where} names {name!r}, which is no feature; there are {_names(list(available.values()))}",
                )
        if kind != "isMissing":
            for name in numbers:
                _check_step(where, available[name], "number", "a number")
        for name in dates:
            _check_step(where, available[name], "moment", "a date")
        for name in _made(step):
            if name in available:
                raise SpecError("PrepareInvalid", f"{where} makes {name!r}, which is there already; name it otherwise")
            available[name] = _Available(name, "number")
    return list(available.values())


def _check_step(where: str, column: _Available, kind: str, what: str) -> None:
    if column.kind != kind:
        raise SpecError(
            "PrepareInvalid",
            f"{where} takes {column.name!r} as {what}, and it is a {column.kind}; name another column, or give it the "
            "type in data.schema",
        )


def _needed(steps: tuple[dict[str, Any], ...], taken: set[str]) -> tuple[dict[str, Any], ...]:
    """The steps whose columns anybody takes."""
    wanted = set(taken)
    kept: list[dict[str, Any]] = []
    for step in reversed(steps):
        if wanted & set(_made(step)):
            kept.append(step)
            wanted |= {name for names in _taken(step) for name in names}
    return tuple(reversed(kept))


def build_steps(plan: Plan, signature: Signature, seed: int) -> list[tuple[str, Any]]:
    """Everything before the estimator, not fitted yet: prepare, the branches, the selection.

    Raises:
        SpecError: `ParameterUnknown`.
    """
    from sklearn.compose import ColumnTransformer  # noqa: PLC0415  scikit-learn is slow to import

    from evermodel.artifact.prepare import Prepare  # noqa: PLC0415
    from evermodel.training.classes import make_selector  # noqa: PLC0415

    steps: list[tuple[str, Any]] = []
    if plan.prepare:
        steps.append(("prepare", Prepare(list(plan.prepare))))
    transformers = [
        (branch.spec.name, _build_branch(branch, signature.task, seed), list(branch.columns))
        for branch in plan.branches
    ]
    columns = ColumnTransformer(transformers, remainder="drop", sparse_threshold=0.0, verbose_feature_names_out=True)
    steps.append(("columns", columns))
    if plan.select is not None:
        name, parameters = plan.select
        steps.append(
            (
                "select",
                make_selector(
                    name, parameters, signature.task, seed, f"pipeline.select.{name}", classes=signature.classes
                ),
            )
        )
    return steps


def _build_branch(branch: Branch, task: Task, seed: int) -> Any:
    from sklearn.pipeline import Pipeline  # noqa: PLC0415  scikit-learn is slow to import

    from evermodel.training.classes import make_transformer  # noqa: PLC0415

    steps: list[tuple[str, Any]] = []
    for i, step in enumerate(branch.spec.steps):
        for transformer, parameters in step.items():
            where = f"pipeline.columns[{branch.index}].steps[{i}].{transformer}"
            steps.append((f"{i}-{transformer}", make_transformer(transformer, parameters, seed, where, task=task)))
    return Pipeline(steps)


def _selected(branch: ColumnBranch, index: int, columns: Sequence[_Available]) -> tuple[str, ...]:
    kinds = {column.name: column.kind for column in columns}
    for field in ("columns", "exclude"):
        for name in getattr(branch.select, field):
            if name not in kinds:
                raise SpecError(
                    "ColumnMissing",
                    f"pipeline.columns[{index}].select.{field} names {name!r}, which is no feature; "
                    f"the features are {_names(columns)}",
                )
    for name in branch.select.columns:
        if kinds[name] == "moment":
            raise SpecError(
                "ColumnNotAFeature",
                f"pipeline.columns[{index}].select.columns names {name!r}, which holds dates or times, and a model "
                "cannot take them; make numbers of it with dateParts or elapsed in pipeline.prepare",
            )
    wanted = set(branch.select.columns) or {c.name for c in columns if c.kind == branch.select.type}
    return tuple(c.name for c in columns if c.name in wanted and c.name not in branch.select.exclude)


def _encodes_by_name(branch: ColumnBranch) -> bool:
    return bool(branch.select.columns) and any(
        transformer in _ENCODERS for step in branch.steps for transformer in step
    )


def _check_kind(column: _Available, branch: Branch, encoded: dict[str, Branch]) -> None:
    other = encoded.get(column.name)
    if other is not None and not _encodes_by_name(branch.spec):
        raise SpecError(
            "ColumnKindsDiffer",
            f"pipeline.columns: {branch.spec.name!r} takes the column {column.name!r} as a number and "
            f"{other.spec.name!r} as a category; add {column.name} to select.exclude of {branch.spec.name!r}",
        )


def _names(columns: Sequence[_Available]) -> str:
    return ", ".join(column.name for column in columns) or "none"
