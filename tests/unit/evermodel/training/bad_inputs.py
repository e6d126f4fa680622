"""What may be wrong with a spec or its data, and what must then be said."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from tests.unit.evermodel.bench import classes, numbers

NUMBERS = numbers()
CLASSES = classes()
SCALED = [{"name": "all", "select": {"type": "number"}, "steps": [{"StandardScaler": {}}]}]
LATER = pd.Timestamp("2026-01-01", tz="UTC")


@dataclass(frozen=True)
class Bad:
    """One thing that is wrong."""

    name: str
    code: int
    reason: str
    said: str
    frame: pd.DataFrame | None = None
    spec: dict[str, Any] = field(default_factory=dict)
    estimator: str = "LinearRegression"
    file: str = "rows.csv"


def branch(**select: Any) -> dict[str, Any]:
    return {"pipeline": {"columns": [{"name": "all", "select": select, "steps": [{"StandardScaler": {}}]}]}}


def steps(*listed: dict[str, Any], **select: Any) -> dict[str, Any]:
    return {"pipeline": {"columns": [{"name": "all", "select": select, "steps": list(listed)}]}}


def rows(**step: Any) -> dict[str, Any]:
    return {"data": {"rows": [step]}}


TWO = [{"name": name, "estimator": "DecisionTreeClassifier"} for name in ("one", "two")]

BAD = [
    # the spec
    Bad("unknown estimator", 4, "OrderInvalid", "'Oracle' is no estimator", estimator="Oracle"),
    Bad(
        "unknown parameter",
        4,
        "ParameterUnknown",
        "algorithms[only].params: LinearRegression has no parameter 'alpha'; it has copy_X",
        spec={"params": {"alpha": 1}},
    ),
    Bad("parameter of a wrong type", 4, "FitFailed", "must be", NUMBERS, {"params": {"fit_intercept": "perhaps"}}),
    Bad(
        "XGBoost parameter of a wrong type",
        4,
        "FitFailed",
        "max_depth",
        CLASSES,
        {"params": {"max_depth": "deep"}},
        "XGBClassifier",
    ),
    Bad(
        "unknown parameter of a step",
        4,
        "ParameterUnknown",
        "pipeline.columns[0].steps[0].StandardScaler",
        NUMBERS,
        steps({"StandardScaler": {"mean": 1}}, type="number"),
    ),
    Bad(
        "missing target",
        4,
        "ColumnMissing",
        "target names the column 'z', which the data has not; it has a, b, c, y",
        spec={"target": "z"},
    ),
    Bad(
        "missing excluded column",
        4,
        "ColumnMissing",
        "data.exclude names the column 'id'",
        spec={"data": {"exclude": ["id"]}},
    ),
    Bad(
        "missing key",
        4,
        "ColumnMissing",
        "data.rows[0].dedupe names the column 'id'",
        spec=rows(dedupe={"keys": ["id"]}),
    ),
    Bad(
        "missing order",
        4,
        "ColumnMissing",
        "data.rows[0].dedupe names the column 'at'",
        spec=rows(dedupe={"keys": ["a"], "by": "at"}),
    ),
    Bad(
        "missing column to drop by",
        4,
        "ColumnMissing",
        "data.rows[0].dropMissing names the column 'id'",
        spec=rows(dropMissing={"columns": ["id"]}),
    ),
    Bad(
        "missing column of a branch",
        4,
        "ColumnMissing",
        "pipeline.columns[0].select.columns names 'z', which is no feature",
        spec=branch(columns=["z"]),
    ),
    Bad(
        "missing column that a branch leaves out",
        4,
        "ColumnMissing",
        "pipeline.columns[0].select.exclude names 'z'",
        spec=branch(type="number", exclude=["z"]),
    ),
    Bad("a branch takes the target", 4, "ColumnMissing", "names 'y', which is no feature", spec=branch(columns=["y"])),
    Bad(
        "no features",
        4,
        "NoFeatures",
        "no branch of pipeline.columns takes a column",
        NUMBERS[["c", "y"]],
        branch(type="number"),
    ),
    Bad("only a target", 4, "NoFeatures", "the data has none", NUMBERS[["y"]]),
    Bad(
        "dates as a feature",
        4,
        "ColumnNotAFeature",
        "pipeline.columns[0].select.columns names 'at', which holds dates or times",
        NUMBERS.assign(at=LATER),
        {"pipeline": {"columns": [{"name": "b", "select": {"columns": ["at"]}, "steps": [{"SimpleImputer": {}}]}]}},
        file="rows.parquet",
    ),
    Bad(
        "lists as a feature",
        4,
        "ColumnNotAFeature",
        "the column 'list' holds values of the type",
        NUMBERS.assign(list=[[1, 2]] * 40),
        file="rows.parquet",
    ),
    Bad(
        "a date as the target",
        4,
        "ColumnNotAFeature",
        "the target 'y' holds dates or times",
        NUMBERS.assign(y=LATER),
        file="rows.parquet",
    ),
    Bad(
        "text is scaled",
        4,
        "FitFailed",
        "could not convert string to float",
        NUMBERS,
        steps({"StandardScaler": {}}, columns=["c"]),
    ),
    Bad(
        "a column as number and category",
        4,
        "ColumnKindsDiffer",
        "add a to select.exclude of 'numbers'",
        NUMBERS,
        {
            "pipeline": {
                "columns": [
                    {"name": "numbers", "select": {"type": "number"}, "steps": [{"StandardScaler": {}}]},
                    {"name": "codes", "select": {"columns": ["a"]}, "steps": [{"OneHotEncoder": {}}]},
                ]
            }
        },
    ),
    Bad(
        "missing values and no imputer",
        4,
        "FitFailed",
        "contains NaN",
        NUMBERS.assign(a=[np.nan, 1.0] * 20),
        {"pipeline": {"columns": SCALED}},
    ),
    Bad(
        "more neighbours than rows",
        4,
        "FitFailed",
        "the algorithm 'only' (KNeighborsClassifier) cannot answer rows",
        CLASSES,
        {"params": {"n_neighbors": 500}},
        "KNeighborsClassifier",
    ),
    Bad(
        "levels that training never saw refused by the spec",
        4,
        "FitFailed",
        "Found unknown categories",
        NUMBERS.assign(c=[f"level {i}" for i in range(40)]),
        steps({"OneHotEncoder": {"handle_unknown": "error"}}, type="category"),
    ),
    # the data
    Bad(
        "a column with too long a name",
        4,
        "ColumnNotAFeature",
        "has a name of 200 characters, and a feature's has 1 to 128; rename it in the source",
        NUMBERS.rename(columns={"a": "a" * 200}),
    ),
    Bad(
        "a column without a name",
        4,
        "ColumnNotAFeature",
        "the column '' has a name of 0 characters",
        NUMBERS.rename(columns={"a": ""}),
        file="rows.parquet",
    ),
    Bad(
        "what XGBoost says without its stack",
        4,
        "FitFailed",
        "could not be fitted: Check failed: is_valid: base_score must be in (0,1) for the logistic loss; correct its params",
        CLASSES,
        {"params": {"base_score": 2}},
        "XGBClassifier",
    ),
    Bad("no rows", 3, "NoRows", "the source gave no rows", NUMBERS.head(0)),
    Bad(
        "no rows are left",
        3,
        "NoRows",
        "data.rows[0] left none of 40 rows",
        NUMBERS.assign(a=np.nan),
        rows(dropMissing={"columns": ["a"]}),
    ),
    Bad("one row", 3, "TooFewRows", "the data has 1 distinct row where at least 2 are needed", NUMBERS.head(1)),
    Bad("one row many times", 3, "TooFewRows", "the data has 1 distinct row", pd.concat([NUMBERS.head(1)] * 30)),
    Bad(
        "one class",
        3,
        "OneClass",
        "all 60 rows have the same class 'ill' in the target 'y'",
        CLASSES.assign(y="ill"),
        estimator="LogisticRegression",
    ),
    Bad(
        "one row of a class",
        3,
        "TooFewRows",
        "the class 'rare' has 1 distinct row",
        CLASSES.assign(y=["rare", *CLASSES["y"][1:]]),
        estimator="LogisticRegression",
    ),
    Bad(
        "too few rows of a class for the folds",
        3,
        "TooFewRows",
        "the class 'rare' has 2 distinct training rows, and 5 folds",
        CLASSES.assign(y=["rare"] * 3 + list(CLASSES["y"][3:])),
        {"algorithms": TWO},
        "DecisionTreeClassifier",
    ),
    Bad(
        "too few rows of a class for a random split",
        3,
        "TooFewRows",
        "the class 'rare' has too few rows to be in every part",
        CLASSES.assign(y=["rare", *CLASSES["y"][1:]]),
        {"data": {"split": {"kind": "Random"}}},
        "DecisionTreeClassifier",
    ),
    Bad(
        "too few rows for the folds",
        3,
        "TooFewRows",
        "folds need at least 5",
        numbers(5),
        {"algorithms": [{"name": n, "estimator": "LinearRegression"} for n in ("one", "two")]},
    ),
    Bad(
        "the target is missing",
        3,
        "TargetMissing",
        "2 of 40 rows have no value in the target 'y'; add {dropMissing: {columns: [y]}}",
        NUMBERS.assign(y=[np.nan, np.nan, *NUMBERS["y"][2:]]),
    ),
    Bad("the target is text", 3, "TargetNotNumeric", "set task: Classification", NUMBERS.assign(y="high")),
    Bad(
        "the target is a fraction",
        3,
        "TargetNotClasses",
        "holds fractions such as",
        NUMBERS,
        estimator="LogisticRegression",
    ),
    Bad(
        "infinite values",
        3,
        "InfiniteValues",
        "the column 'a' holds 1 infinite values",
        NUMBERS.assign(a=[np.inf, *NUMBERS["a"][1:]]),
    ),
    Bad(
        "an infinite target",
        3,
        "InfiniteValues",
        "the target 'y' holds 1 infinite values; mend them in the source",
        NUMBERS.assign(y=[-np.inf, *NUMBERS["y"][1:]]),
    ),
    Bad("no file", 3, "SourceNotFound", "no file matches"),
    Bad(
        "a directory of no format",
        4,
        "SourceInvalid",
        "set file.format to csv, parquet or jsonl",
        NUMBERS,
        file="rows.dat",
    ),
]
