"""Comparison of whole rows of a window with the training rows that were kept. Pure."""

from math import isnan

import numpy as np

from evermodel.artifact.baseline import Baseline, NumberProfile
from evermodel.artifact.matrix import category_columns, sample_of
from evermodel.monitoring.drift import RowsDrift
from evermodel.monitoring.statistics.domain_classifier import domain_classifier
from evermodel.monitoring.statistics.mmd import mmd
from evermodel.monitoring.statistics.result import Floats
from evermodel.monitoring.statistics.wasserstein import unit
from evermodel_api.monitor import Drift

_MOST_ROWS = 1000


def compare_rows(spec: Drift, baseline: Baseline, names: list[str], rows: Floats) -> RowsDrift | None:
    """Compare rows; None when nothing of the training rows is known.

    Args:
        spec: the test.
        baseline: of the model.
        names: of the columns.
        rows: of the window, shape (rows, columns).
    """
    asked, sample = spec.multivariate, sample_of(baseline)
    if asked is None or sample is None or baseline.sample is None:
        return None
    kept = [name for name in names if name in baseline.sample.columns and name not in spec.columns.exclude]
    if asked.test == "mmd":
        kept = [name for name in kept if isinstance(baseline.columns[name], NumberProfile)]
    if not kept:
        return None
    reference = sample[:, [baseline.sample.columns.index(name) for name in kept]]
    current = _spaced(rows[:, [names.index(name) for name in kept]])
    if asked.test == "mmd":
        found, limit = mmd(_in_units(baseline, kept, reference), _in_units(baseline, kept, current), spec.alpha), 0.0
    else:
        codes = category_columns(baseline.columns, kept)
        found, limit = domain_classifier(reference, current, codes, spec.alpha), asked.max_auc
    drifted = not isnan(found.p) and found.p <= spec.alpha and found.value >= limit
    return RowsDrift(asked.test, found, limit, drifted)


def _spaced(rows: Floats) -> Floats:
    if len(rows) <= _MOST_ROWS:
        return rows
    return rows[np.linspace(0, len(rows) - 1, _MOST_ROWS).round().astype(np.intp)]


def _in_units(baseline: Baseline, names: list[str], rows: Floats) -> Floats:
    """Columns in standard deviations from their mean; a missing or endless value stands at the mean."""
    scaled = np.empty_like(rows)
    for i, name in enumerate(names):
        profile = baseline.columns[name]
        assert isinstance(profile, NumberProfile)  # noqa: S101  chosen so
        with np.errstate(over="ignore", invalid="ignore"):
            scaled[:, i] = (rows[:, i] - profile.mean) / unit(profile.sd, profile.mean)
    return np.clip(np.nan_to_num(scaled, nan=0.0, posinf=0.0, neginf=0.0), -1e6, 1e6)
