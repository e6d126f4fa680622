"""Fitted transformers of numbers as steps. They are told apart by their class's name; scikit-learn is not imported."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evermodel.compiled.features_steps import Step
from evermodel.compiled.model import Floats, NotCompilableError

SCALERS = ("StandardScaler", "MinMaxScaler", "MaxAbsScaler", "RobustScaler")
"""What turns each number by itself, by arithmetic alone."""


def compile_steps(fitted: Any, before: int) -> list[Step]:
    """A fitted transformer of a matrix of numbers.

    Args:
        fitted: the transformer.
        before: how many columns it takes.

    Raises:
        NotCompilableError: it has no compiled form.
    """
    name = type(fitted).__name__
    if hasattr(fitted, "get_support"):
        return [_take(np.asarray(fitted.get_support(indices=True)), before)]
    if name not in _COMPILERS:
        raise NotCompilableError(f"{name} has no compiled form")
    return _COMPILERS[name](fitted, before)


def scale_of(fitted: Any, width: int) -> dict[str, Floats]:
    """What a scaler does, as the arrays of an affine step."""
    name = type(fitted).__name__
    arrays = neutral_scale(width)
    if name == "StandardScaler":
        given = {"subtract": fitted.mean_ if fitted.with_mean else None, "divide": fitted.scale_}
    elif name == "RobustScaler":
        given = {
            "subtract": fitted.center_ if fitted.with_centering else None,
            "divide": fitted.scale_ if fitted.with_scaling else None,
        }
    elif name == "MaxAbsScaler":
        given = {"divide": fitted.scale_}
    else:
        given = {"multiply": fitted.scale_, "add": fitted.min_}
    if getattr(fitted, "clip", False):
        low, high = fitted.feature_range if name == "MinMaxScaler" else (-1.0, 1.0)
        given |= {"low": np.full(width, float(low)), "high": np.full(width, float(high))}
    return arrays | {key: _floats(value) for key, value in given.items() if value is not None}


def neutral_scale(width: int) -> dict[str, Floats]:
    """The arrays of an affine step that does nothing."""
    neutral = {"subtract": 0.0, "divide": 1.0, "multiply": 1.0, "add": 0.0, "low": -np.inf, "high": np.inf}
    return {key: np.full(width, value) for key, value in neutral.items()}


def fill_of(imputer: Any, width: int) -> tuple[NDArray[np.int32], Floats, NDArray[np.int32]]:
    """What a SimpleImputer of numbers keeps, fills in, and adds indicators for.

    Returns:
        The columns that it keeps, what it fills in for each of them, and the columns of its indicators.

    Raises:
        NotCompilableError: it takes something else than NaN for missing.
    """
    if not _is_nan(imputer.missing_values):
        raise NotCompilableError("a SimpleImputer takes something else than a gap for missing")
    statistics = np.asarray(imputer.statistics_, dtype=np.float64)
    kept = np.arange(width) if imputer.keep_empty_features else np.flatnonzero(~np.isnan(statistics))
    filled = imputer.transform(np.full((1, width), np.nan))[0, : len(kept)]
    indicator = getattr(imputer, "indicator_", None)
    flags = [] if indicator is None else indicator.features_
    return kept.astype(np.int32), _floats(filled), np.asarray(flags, dtype=np.int32)


def _simple_imputer(fitted: Any, before: int) -> list[Step]:
    kept, fill, flags = fill_of(fitted, before)
    if len(kept) == before:
        return [Step("fill", before, before + len(flags), {"fill": fill, "gaps": flags})]
    if len(flags):
        raise NotCompilableError("a SimpleImputer drops columns and adds indicators")
    return [_take(kept, before), Step("fill", len(kept), len(kept), {"fill": fill, "gaps": flags})]


def _missing_indicator(fitted: Any, before: int) -> list[Step]:
    if not _is_nan(fitted.missing_values):
        raise NotCompilableError("a MissingIndicator takes something else than a gap for missing")
    columns = np.asarray(fitted.features_, dtype=np.int32)
    return [Step("gaps", before, len(columns), {"columns": columns})]


def _scaler(fitted: Any, before: int) -> list[Step]:
    return [Step("affine", before, before, scale_of(fitted, before))]


def _normalizer(fitted: Any, before: int) -> list[Step]:
    return [Step("normalize", before, before, header={"norm": fitted.norm})]


def _binarizer(fitted: Any, before: int) -> list[Step]:
    return [Step("binarize", before, before, {"threshold": np.full(before, float(fitted.threshold))})]


def _bins(fitted: Any, before: int) -> list[Step]:
    inner = [_floats(edges[1:-1]) for edges in fitted.bin_edges_]
    starts = np.concatenate([[0], np.cumsum([len(edges) for edges in inner])]).astype(np.int32)
    one_hot = fitted.encode != "ordinal"
    width = int(starts[-1]) + before if one_hot else before
    return [Step("bins", before, width, {"starts": starts, "edges": np.concatenate(inner)}, {"one_hot": one_hot})]


def _polynomial(fitted: Any, before: int) -> list[Step]:
    powers = np.asarray(fitted.powers_)
    degree = max(int(powers.sum(axis=1).max(initial=1)), 1)
    factors = np.full((len(powers), degree), before, dtype=np.int32)
    for row, counts in enumerate(powers):
        columns = np.repeat(np.arange(before), counts)
        factors[row, : len(columns)] = columns
    return [Step("polynomial", before, len(powers), {"factors": factors})]


def _power(fitted: Any, before: int) -> list[Step]:
    if fitted.method != "yeo-johnson":
        raise NotCompilableError(f"PowerTransformer by {fitted.method} has no compiled form")
    steps = [Step("yeo-johnson", before, before, {"powers": _floats(fitted.lambdas_)})]
    return [*steps, *_scaler(fitted._scaler, before)] if fitted.standardize else steps  # noqa: SLF001  its only place


def _quantile(fitted: Any, before: int) -> list[Step]:
    if fitted.output_distribution != "uniform":
        raise NotCompilableError("QuantileTransformer to a normal distribution has no compiled form")
    arrays = {"quantiles": _floats(fitted.quantiles_), "references": _floats(fitted.references_)}
    return [Step("quantile", before, before, arrays)]


def _spline(fitted: Any, before: int) -> list[Step]:
    if fitted.extrapolation not in {"constant", "linear"} or getattr(fitted, "handle_missing", "error") != "error":
        raise NotCompilableError(f"SplineTransformer with {fitted.extrapolation} extrapolation has no compiled form")
    if fitted.extrapolation == "linear" and fitted.degree < 2:
        # scikit-learn 1.9 then computes the second column by other knots than the first
        raise NotCompilableError(f"SplineTransformer of degree {fitted.degree} that goes on has no compiled form")
    degree, knots, ends = int(fitted.degree), [], []
    for spline in fitted.bsplines_:
        low, high = spline.t[degree], spline.t[-degree - 1]
        at_ends = [spline(low), spline(high), spline(low, nu=1), spline(high, nu=1)]
        # scikit-learn goes on with the splines that touch the end, and leaves the others as they are
        at_ends[2][degree:] = 0.0
        at_ends[3][: len(at_ends[3]) - degree] = 0.0
        knots.append(spline.t)
        ends.append(np.stack(at_ends))
    arrays = {"knots": _floats(np.stack(knots)), "ends": _floats(np.stack(ends))}
    header = {"degree": degree, "linear": fitted.extrapolation == "linear", "bias": bool(fitted.include_bias)}
    return [Step("spline", before, int(fitted.n_features_out_), arrays, header)]


def _project(fitted: Any, before: int) -> list[Step]:
    """PCA and its kin, FastICA, random projections: rows times components."""
    name = type(fitted).__name__
    components = fitted.components_
    components = _floats(components.toarray() if hasattr(components, "toarray") else components)
    width = len(components)
    arrays = {
        "components": components,
        "shift": np.zeros(before),
        "after": np.zeros(width),
        "scale": np.ones(width),
    }
    if name == "FastICA" and fitted.whiten:
        arrays["shift"] = _floats(fitted.mean_)
    if name in {"PCA", "IncrementalPCA"}:
        arrays["after"] = _floats(np.reshape(fitted.mean_, (1, -1)) @ components.T)[0]
        if fitted.whiten:
            scale = np.sqrt(fitted.explained_variance_)
            arrays["scale"] = _floats(np.maximum(scale, np.finfo(scale.dtype).eps))
    return [Step("project", before, width, arrays)]


def _take(columns: NDArray[Any], before: int) -> Step:
    return Step("take", before, len(columns), {"columns": columns.astype(np.int32)})


def _floats(values: Any) -> Floats:
    return np.ascontiguousarray(values, dtype=np.float64)


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and np.isnan(value)


_COMPILERS: dict[str, Callable[[Any, int], list[Step]]] = {
    "SimpleImputer": _simple_imputer,
    "MissingIndicator": _missing_indicator,
    **dict.fromkeys(SCALERS, _scaler),
    "Normalizer": _normalizer,
    "Binarizer": _binarizer,
    "KBinsDiscretizer": _bins,
    "PolynomialFeatures": _polynomial,
    "PowerTransformer": _power,
    "QuantileTransformer": _quantile,
    "SplineTransformer": _spline,
    **dict.fromkeys(
        ("PCA", "IncrementalPCA", "TruncatedSVD", "FastICA", "GaussianRandomProjection", "SparseRandomProjection"),
        _project,
    ),
}
