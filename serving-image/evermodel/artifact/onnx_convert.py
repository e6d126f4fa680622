"""Fitted steps and estimators as ONNX: by skl2onnx and onnxmltools, in double precision where that works.

The converters' double precision fails for trees, and for some of them it is silently wrong. So each step is converted
both ways where it must be, asked, and held against scikit-learn.
"""

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto

from evermodel.artifact.onnx_graph import ML_OPSET, OPSET, Graph
from evermodel.artifact.onnx_model import open_session

_EXACT = 1e-9
"""A difference up to which double precision is taken as right."""


_UNKNOWN = {"MissingShapeCalculator", "MissingConverter", "KeyError"}
"""What skl2onnx raises for a class that it has no converter for."""


class NotConvertibleError(Exception):
    """A step has no form in ONNX; the message says why."""


def add_converted(graph: Graph, step: Any, tensor: str, rows: NDArray[np.float64], wanted: NDArray[np.float64]) -> str:
    """Add a fitted step; its last output in double precision.

    Args:
        graph: where.
        step: a fitted transformer or estimator.
        tensor: its input, of type double and shape (rows, columns).
        rows: rows that it is tried on, of that shape.
        wanted: what scikit-learn answers to them.

    Raises:
        NotConvertibleError: when no converter knows it, or what it makes cannot be run.
    """
    best: tuple[float, ModelProto, Any] | None = None
    said: Exception | None = None
    for kind, dtype in ((TensorProto.DOUBLE, np.float64), (TensorProto.FLOAT, np.float32)):
        try:
            model = _convert(step, rows.shape[1], double=kind == TensorProto.DOUBLE)
            if model.functions:
                raise NotImplementedError("its form needs functions of its own")  # noqa: TRY301  as any other failure
            answers = open_session(model.SerializeToString()).run(None, {"rows": rows.astype(dtype)})[-1]
            difference = _difference(np.asarray(answers, dtype=np.float64).reshape(wanted.shape), wanted)
        except Exception as error:  # noqa: BLE001  converters and runtime raise all kinds; the next way is tried
            said = said or error
            continue
        if best is None or difference < best[0]:
            best = (difference, model, kind)
        if difference <= _EXACT:
            break
    if best is None:
        if type(said).__name__ in _UNKNOWN:
            raise NotConvertibleError(f"no converter to ONNX knows {type(step).__name__}")
        words = " ".join(str(said).split())[:160]
        raise NotConvertibleError(f"{type(step).__name__} cannot be converted to ONNX ({words})")
    _, model, kind = best
    taken = tensor if kind == TensorProto.DOUBLE else graph.cast(tensor, kind)
    return graph.cast(graph.embed(model, taken)[-1], TensorProto.DOUBLE)


def _difference(answers: NDArray[np.float64], wanted: NDArray[np.float64]) -> float:
    if not np.array_equal(np.isnan(answers), np.isnan(wanted)):
        return float("inf")
    return float(np.nanmax(np.abs(answers - wanted) / np.maximum(1.0, np.abs(wanted)), initial=0.0))


def _convert(step: Any, width: int, *, double: bool) -> ModelProto:
    from skl2onnx import convert_sklearn  # noqa: PLC0415  slow to import
    from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType  # noqa: PLC0415

    _register()
    kind = DoubleTensorType if double else FloatTensorType
    options = {id(step): {"zipmap": False}} if hasattr(step, "predict_proba") else None
    model: ModelProto = convert_sklearn(
        step,
        name="part",
        initial_types=[("rows", kind([None, width]))],
        target_opset={"": OPSET, "ai.onnx.ml": ML_OPSET},
        options=options,
    )
    return model


class _PlainNumbers:
    """A converter's container that takes numpy's numbers in attributes as Python's: onnx takes no others."""

    def __init__(self, container: Any) -> None:
        self._container = container

    def __getattr__(self, name: str) -> Any:
        return getattr(self._container, name)

    def add_node(self, *arguments: Any, **attributes: Any) -> Any:
        plain = {name: _plain(value) for name, value in attributes.items()}
        return self._container.add_node(*arguments, **plain)


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        items = [item.item() if isinstance(item, np.generic) else item for item in value]
        return [int(item) if isinstance(item, bool) else item for item in items]
    return value


@cache
def _register() -> None:
    """Teach skl2onnx the classes of XGBoost and LightGBM, and mend that of HistGradientBoosting."""
    import lightgbm  # noqa: PLC0415  slow to import
    import xgboost  # noqa: PLC0415
    from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm  # noqa: PLC0415
    from onnxmltools.convert.xgboost.operator_converters.XGBoost import convert_xgboost  # noqa: PLC0415
    from skl2onnx import update_registered_converter  # noqa: PLC0415
    from skl2onnx.common.shape_calculator import (  # noqa: PLC0415
        calculate_linear_classifier_output_shapes as classifier,
    )
    from skl2onnx.common.shape_calculator import (  # noqa: PLC0415
        calculate_linear_regressor_output_shapes as regressor,
    )
    from skl2onnx.operator_converters.random_forest import (  # noqa: PLC0415
        convert_sklearn_random_forest_classifier,
        convert_sklearn_random_forest_regressor_converter,
    )
    from sklearn import ensemble  # noqa: PLC0415

    options = {"nocl": [True, False], "zipmap": [True, False, "columns"], "raw_scores": [True, False]}

    def bins_classifier(scope: Any, operator: Any, container: Any) -> None:
        convert_sklearn_random_forest_classifier(scope, operator, _PlainNumbers(container))

    def bins_regressor(scope: Any, operator: Any, container: Any) -> None:
        convert_sklearn_random_forest_regressor_converter(scope, operator, _PlainNumbers(container))

    for cls, shapes, convert in (
        (xgboost.XGBClassifier, classifier, convert_xgboost),
        (xgboost.XGBRegressor, regressor, convert_xgboost),
        (lightgbm.LGBMClassifier, classifier, convert_lightgbm),
        (lightgbm.LGBMRegressor, regressor, convert_lightgbm),
        (ensemble.HistGradientBoostingClassifier, classifier, bins_classifier),
        (ensemble.HistGradientBoostingRegressor, regressor, bins_regressor),
    ):
        told = options if shapes is classifier else None
        update_registered_converter(cls, f"Evermodel{cls.__name__}", shapes, convert, options=told)
