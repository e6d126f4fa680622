"""Comparison of the inputs and the answers with those of training."""

from typing import Annotated, Literal

from pydantic import Field

from evermodel_api.base import ColumnName, Schema

NumericTest = Literal["ks", "wasserstein", "energy", "psi", "jensenShannon", "hellinger", "kullbackLeibler"]
CategoryTest = Literal["chi2", "psi", "jensenShannon", "hellinger", "kullbackLeibler", "lInfinity"]
CategoryEffect = Literal["psi", "jensenShannon", "hellinger", "kullbackLeibler", "lInfinity"]
AnyTest = Literal[
    "ks", "chi2", "wasserstein", "energy", "psi", "jensenShannon", "hellinger", "kullbackLeibler", "lInfinity"
]
Bins = Literal["deciles", "widths"]
Effect = Annotated[float, Field(ge=0)]


class NumericDrift(Schema):
    """How numbers are compared with the training data."""

    test: NumericTest = "ks"
    """What the p comes from. Every test knows both sample sizes, so that a small window and a large one alarm alike."""
    effect: NumericTest = "wasserstein"
    """What measures how large the change is: wasserstein in standard deviations of the training data."""
    min_effect: Effect = 0.1
    """A smaller effect is no drift, however small its p."""
    bins: Bins = "deciles"
    """Where psi, jensenShannon, hellinger and kullbackLeibler divide numbers: at the deciles of the training data, or
    in equal widths over its range (Doane's rule)."""


class CategoryDrift(Schema):
    """How categories are compared with the training data."""

    test: CategoryTest = "chi2"
    """What the p comes from; chi2 is the test of homogeneity."""
    effect: CategoryEffect = "psi"
    """What measures how large the change is."""
    min_effect: Effect = 0.1
    """A smaller effect is no drift, however small its p."""


class ColumnRule(Schema):
    """How one column is compared; what is not given is as for all columns of its kind."""

    test: AnyTest | None = None
    """What the p comes from; ks, wasserstein and energy are for numbers, chi2 and lInfinity for categories."""
    effect: AnyTest | None = None
    """What measures how large the change is; not chi2."""
    min_effect: Effect | None = None
    """A smaller effect is no drift, however small its p."""
    bins: Bins | None = None
    """Where numbers are divided."""


class DriftColumns(Schema):
    """Which columns are compared."""

    exclude: Annotated[list[ColumnName], Field(max_length=1024)] = []
    """Columns that are not looked at."""
    per_column: Annotated[dict[ColumnName, ColumnRule], Field(max_length=1024)] = {}
    """Columns that are compared otherwise."""


class MultivariateDrift(Schema):
    """Comparison of whole rows: sees columns that began to depend on each other otherwise. Costs seconds."""

    test: Literal["domainClassifier", "mmd"] = "domainClassifier"
    """domainClassifier: how well boosted trees tell rows of the window from rows of the training. mmd: maximum mean
    discrepancy of the numbers, by permutations."""
    max_auc: Annotated[float, Field(ge=0.5, le=1)] = 0.65
    """domainClassifier: a smaller area under the ROC curve is no drift, however small its p. mmd goes by p alone."""


class PredictionDrift(NumericDrift):
    """How the answers are compared with those to the test rows: numbers, or the probability of the last class."""


class DatasetDrift(Schema):
    """When the data set as a whole counts as drifted."""

    share: Annotated[float, Field(gt=0, le=1)] = 0.3
    """Share of the columns that must have drifted."""
    weight: Literal["Equal", "Importance"] = "Equal"
    """Importance: a column counts for as much as the model's answers change when its values are shuffled."""


class Drift(Schema):
    """Comparison of the inputs with the training data. A column drifts when the corrected p AND the effect say so."""

    numeric: NumericDrift = NumericDrift()
    """How numbers are compared."""
    category: CategoryDrift = CategoryDrift()
    """How categories are compared."""
    alpha: Annotated[float, Field(gt=0, lt=1)] = 0.01
    """Level of the corrected p."""
    correction: Literal["BenjaminiHochberg", "Bonferroni"] = "BenjaminiHochberg"
    """Correction for the number of columns. BenjaminiHochberg holds down the share of false ones among the alarms,
    Bonferroni the chance of any."""
    columns: DriftColumns = DriftColumns()
    """Which columns are compared."""
    multivariate: MultivariateDrift | None = None
    """Comparison of whole rows."""
    prediction: PredictionDrift | None = None
    """Comparison of the answers with those to the test rows; needs no labels."""
    dataset: DatasetDrift = DatasetDrift()
    """When the data set as a whole counts as drifted."""
