"""XGBoost's and LightGBM's trees, read from the models that they write themselves."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evermodel.compiled.kernel import Link, Rounding, log_single, logit_single
from evermodel.compiled.model import Floats, NotCompilableError
from evermodel.compiled.trees import Trees
from evermodel.compiled.trees_arrays import PlainTree, assemble
from evermodel.compiled.trees_facts import TreesFacts

Singles = NDArray[np.float32]

_XGBOOST_LINKS = {
    **dict.fromkeys(("binary:logistic", "reg:logistic"), (Link.SIGMOID_SINGLE, "log-odds")),
    **dict.fromkeys(("multi:softprob", "multi:softmax"), (Link.SOFTMAX_SINGLE, "log-odds")),
    **dict.fromkeys(("count:poisson", "reg:gamma", "reg:tweedie"), (Link.EXP_SINGLE, "log of a value")),
    **dict.fromkeys(
        (
            *("reg:squarederror", "reg:squaredlogerror", "reg:absoluteerror", "reg:pseudohubererror"),
            "reg:quantileerror",
        ),
        (Link.NONE, "value"),
    ),
}
_LIGHTGBM_LINKS = {
    **dict.fromkeys(("binary", "cross_entropy"), (Link.SIGMOID, "log-odds")),
    "multiclass": (Link.SOFTMAX, "log-odds"),
    "multiclassova": (Link.SIGMOIDS, "log-odds"),
    **dict.fromkeys(("poisson", "gamma", "tweedie"), (Link.EXP, "log of a value")),
    **dict.fromkeys(
        ("regression", "regression_l1", "huber", "fair", "quantile", "mape"),
        (Link.NONE, "value"),
    ),
}
_CLASSES_OF_LINK = (Link.SIGMOID, Link.SIGMOID_SINGLE)


def _xgboost(model: Any) -> Trees:
    if not (isinstance(model.missing, float) and np.isnan(model.missing)):
        raise NotCompilableError(f"it takes {model.missing} as missing")
    learner = json.loads(model.get_booster().save_raw("json"))["learner"]
    objective = learner["objective"]["name"]
    if objective not in _XGBOOST_LINKS:
        raise NotCompilableError(f"its objective {objective} has no compiled form")
    link, unit = _XGBOOST_LINKS[objective]
    parameters = learner["learner_model_param"]
    outputs = max(1, int(parameters["num_class"]))
    if int(parameters["num_target"]) > 1:
        raise NotCompilableError("it answers several targets")
    classes = _classes(model, "n_classes_", link, outputs, objective)
    base = _xgboost_base(parameters["base_score"], link, outputs)
    trees, groups = _xgboost_trees(model, learner["gradient_booster"], base)
    features = int(parameters["num_feature"])
    arrays = assemble(trees, features, base.astype(np.float64), groups)
    facts = TreesFacts(features, classes, outputs, link=link, rounding=Rounding.SINGLE, single_sums=True, unit=unit)
    return Trees(arrays, facts)


def _classes(model: Any, attribute: str, link: Link, outputs: int, objective: str) -> int:
    """Number of classes that it answers, 0 for a regression."""
    if not hasattr(model, attribute):
        if outputs > 1:
            raise NotCompilableError(f"its objective {objective} is none of a regression")
        return 0
    if link in _CLASSES_OF_LINK and outputs == 1:
        return 2
    if outputs > 1:
        return outputs
    raise NotCompilableError(f"its objective {objective} is none of classes")


def _xgboost_trees(model: Any, booster: dict[str, Any], base: Singles) -> tuple[list[PlainTree], list[int]]:
    kept = booster["gbtree"]["model"] if booster["name"] == "dart" else booster.get("model", {})
    if "trees" not in kept:
        raise NotCompilableError(f"its booster {booster['name']} has no trees")
    trees, groups = kept["trees"], kept["tree_info"]
    if getattr(model, "early_stopping_rounds", None) is not None:
        end = kept["iteration_indptr"][model.best_iteration + 1]
        trees, groups = trees[:end], groups[:end]
    if not trees:
        raise NotCompilableError("it has no trees")
    if "weight_drop" not in booster:
        return [_xgboost_tree(tree, _split_conditions(tree)) for tree in trees], groups
    made = []
    for tree, weight, group in zip(trees, booster["weight_drop"], groups, strict=False):
        # each tree is asked by itself, and its answer then freed of the base, which rounds
        alone = (_split_conditions(tree) + base[group]) - base[group]
        made.append(_xgboost_tree(tree, alone * np.float32(weight)))
    return made, groups


def _split_conditions(tree: dict[str, Any]) -> Singles:
    """Thresholds of the inner nodes, and the values of the leaves."""
    return np.array(tree["split_conditions"], np.float64).astype(np.float32)


def _xgboost_tree(tree: dict[str, Any], values: Singles) -> PlainTree:
    if int(tree["tree_param"]["size_leaf_vector"]) > 1:
        raise NotCompilableError("its leaves hold several numbers")
    if any(tree["split_type"]):
        raise NotCompilableError("it splits by categories")
    conditions = _split_conditions(tree)
    left = np.array(tree["left_children"], np.int32)
    return PlainTree(
        left=left,
        right=np.array(tree["right_children"], np.int32),
        feature=np.array(tree["split_indices"], np.int32),
        # it asks for "below", and the kernel for "above"
        threshold=np.where(left < 0, conditions, np.nextafter(conditions, np.float32(-np.inf))).astype(np.float64),
        values=values.astype(np.float64),
        cover=np.array(tree["sum_hessian"], np.float64),
        missing_left=np.array(tree["default_left"], bool),
    )


def _xgboost_base(told: str, link: Link, outputs: int) -> Singles:
    """What the sums begin with: shape (outputs,)."""
    numbers = np.array(json.loads(told), np.float64).reshape(-1).astype(np.float32)
    if link is Link.SIGMOID_SINGLE:
        # XGBoost keeps away from shares whose log-odds are infinite: training on one class
        shares = np.clip(numbers, np.float32(1e-6), np.float32(1) - np.float32(1e-6))
        numbers = np.array([logit_single(float(share)) for share in shares], np.float32)
    elif link is Link.EXP_SINGLE:
        numbers = np.array([log_single(float(number)) for number in numbers], np.float32)
    return np.broadcast_to(numbers, (outputs,)).copy()


@dataclass(frozen=True)
class _Text:
    """LightGBM's own form of a model: lines of `name=value`, a section for each tree."""

    head: dict[str, str]
    flags: frozenset[str]
    trees: list[dict[str, str]]


def _read_text(text: str) -> _Text:
    sections = text.split("\nend of trees", 1)[0].split("\nTree=")
    lines = sections[0].splitlines()
    trees = [dict(line.split("=", 1) for line in part.splitlines() if "=" in line) for part in sections[1:]]
    head = dict(line.split("=", 1) for line in lines if "=" in line)
    return _Text(head, frozenset(line for line in lines if "=" not in line), trees)


def _lightgbm(model: Any) -> Trees:
    text = _read_text(model.booster_.model_to_string())
    name, *settings = text.head.get("objective", "custom").split()
    if name not in _LIGHTGBM_LINKS or "sqrt" in settings:
        raise NotCompilableError(f"its objective {' '.join([name, *settings])} has no compiled form")
    link, unit = _LIGHTGBM_LINKS[name]
    outputs = int(text.head["num_tree_per_iteration"])
    classes = _classes(model, "n_classes_", link, outputs, name)
    features = int(text.head["max_feature_idx"]) + 1
    if not text.trees:
        raise NotCompilableError("it has no trees")
    trees = [_lightgbm_tree(tree) for tree in text.trees]
    scale = next((float(setting[8:]) for setting in settings if setting.startswith("sigmoid:")), 1.0)
    rounds = len(trees) // outputs
    facts = TreesFacts(
        features,
        classes,
        outputs,
        link=link,
        scale=scale,
        # a forest of LightGBM: the mean of its trees goes through the link
        divisor=float(rounds) if "average_output" in text.flags else 1.0,
        rounding=Rounding.TINY_TO_ZERO,
        unit=unit,
    )
    groups = list(range(outputs)) * rounds
    return Trees(assemble(trees, features, np.zeros(outputs), groups), facts)


def _lightgbm_tree(tree: dict[str, str]) -> PlainTree:
    if int(tree["num_cat"]):
        raise NotCompilableError("it splits by categories")
    if int(tree.get("is_linear", "0")):
        raise NotCompilableError("its leaves are linear")
    inner = int(tree["num_leaves"]) - 1
    values = _numbers(tree["leaf_value"])
    if inner == 0:
        alone, none = np.array([-1], np.int32), np.zeros(1)
        return PlainTree(alone, alone, none, none, values, np.ones(1), None)
    decision = _numbers(tree["decision_type"]).astype(np.int64)
    threshold = _numbers(tree["threshold"])
    gaps = decision >> 2 & 3
    if np.any(gaps == 1):
        raise NotCompilableError("it takes zeros as missing")
    # where training saw no gap, a gap is a zero
    missing_left = np.where(gaps == 2, decision & 2, threshold >= 0.0)
    return PlainTree(
        left=_children(tree["left_child"], inner),
        right=_children(tree["right_child"], inner),
        feature=_with_leaves(_numbers(tree["split_feature"]), len(values)),
        threshold=_with_leaves(threshold, len(values)),
        values=np.concatenate([np.zeros(inner), values]),
        cover=np.concatenate([_numbers(tree["internal_count"]), _numbers(tree["leaf_count"])]),
        missing_left=_with_leaves(missing_left, len(values)).astype(bool),
    )


def _numbers(told: str) -> Floats:
    return np.array(told.split(), np.float64)


def _with_leaves(inner: NDArray[Any], leaves: int) -> NDArray[Any]:
    return np.concatenate([inner, np.zeros(leaves)])


def _children(told: str, inner: int) -> NDArray[np.int32]:
    """LightGBM numbers inner nodes from 0 on and leaves from -1 down; here leaves follow the inner nodes."""
    numbers = np.array(told.split(), np.int64)
    placed = np.where(numbers < 0, inner - 1 - numbers, numbers)
    leaves = np.full(inner + 1, -1)
    return np.concatenate([placed, leaves]).astype(np.int32)


READERS: dict[str, Callable[[Any], Trees]] = {
    **dict.fromkeys(("XGBClassifier", "XGBRegressor"), _xgboost),
    **dict.fromkeys(("LGBMClassifier", "LGBMRegressor"), _lightgbm),
}
"""Who reads each class."""
