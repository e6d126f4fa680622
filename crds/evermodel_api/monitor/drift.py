"""Comparison of the inputs with the training data."""

from typing import Annotated, Literal

from pydantic import Field

from evermodel_api.base import ColumnName, Schema


class NumericDrift(Schema):
    """How numbers are compared with the training data."""

    test: Literal["ks"] = "ks"
    """Two-sample Kolmogorov-Smirnov test."""
    effect: Literal["wasserstein"] = "wasserstein"
    """Wasserstein-1 distance, divided by the reference's standard deviation."""
    min_effect: Annotated[float, Field(ge=0)] = 0.1
    """A smaller effect is no drift, however small its p."""


class CategoryDrift(Schema):
    """How categories are compared with the training data."""

    test: Literal["chi2"] = "chi2"
    """Chi-squared test of homogeneity."""
    effect: Literal["psi"] = "psi"
    """Population stability index."""
    min_effect: Annotated[float, Field(ge=0)] = 0.1
    """A smaller effect is no drift, however small its p."""


class DriftColumns(Schema):
    """Which columns are compared."""

    exclude: Annotated[list[ColumnName], Field(max_length=1024)] = []
    """Columns that are not looked at."""


class DatasetDrift(Schema):
    """When the data set as a whole counts as drifted."""

    share: Annotated[float, Field(gt=0, le=1)] = 0.3
    """Share of the columns that must have drifted."""


class Drift(Schema):
    """Comparison of the inputs with the training data. A column drifts when the corrected p AND the effect say so."""

    numeric: NumericDrift = NumericDrift()
    """How numbers are compared."""
    category: CategoryDrift = CategoryDrift()
    """How categories are compared."""
    alpha: Annotated[float, Field(gt=0, lt=1)] = 0.01
    """Level of the corrected p."""
    correction: Literal["BenjaminiHochberg"] = "BenjaminiHochberg"
    """Correction for the number of columns."""
    columns: DriftColumns = DriftColumns()
    """Which columns are compared."""
    dataset: DatasetDrift = DatasetDrift()
    """When the data set as a whole counts as drifted."""
