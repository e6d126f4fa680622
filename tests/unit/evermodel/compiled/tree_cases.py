"""Estimators of trees, tables to fit them on, and rows that are hard to answer."""

import numpy as np
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier, ExtraTreeRegressor
from xgboost import XGBClassifier, XGBRegressor

from evermodel.artifact.threads import one_thread

COLUMNS = 5
_LIGHT = {"n_estimators": 8, "verbose": -1, "deterministic": True, "force_row_wise": True, "n_jobs": 1}
_LIGHT |= {"min_child_samples": 5}
_RF = {"boosting_type": "rf", "subsample": 0.5, "subsample_freq": 1}
_X = {"n_estimators": 6, "n_jobs": 1, "max_depth": 4}
_DART = {"booster": "dart", "rate_drop": 0.5}

CLASSIFIERS = {
    "tree": lambda: DecisionTreeClassifier(max_depth=6),
    "tree, entropy and weights": lambda: DecisionTreeClassifier(criterion="entropy", class_weight="balanced"),
    "extra tree": lambda: ExtraTreeClassifier(min_samples_leaf=2),
    "forest": lambda: RandomForestClassifier(9),
    "extra trees": lambda: ExtraTreesClassifier(9, max_depth=4),
    "gradient boosting": lambda: GradientBoostingClassifier(n_estimators=5, learning_rate=0.3),
    "histogram": lambda: HistGradientBoostingClassifier(max_iter=6, min_samples_leaf=5),
    "adaboost": lambda: AdaBoostClassifier(DecisionTreeClassifier(max_depth=2), n_estimators=6),
    "bag": lambda: BaggingClassifier(n_estimators=6, max_features=0.8),
    "bag that knows some classes": lambda: BaggingClassifier(n_estimators=12, max_samples=6),
    "xgboost": lambda: XGBClassifier(**_X),
    "xgboost, dart": lambda: XGBClassifier(**_X, **_DART),
    "xgboost, forests": lambda: XGBClassifier(n_estimators=2, num_parallel_tree=3, subsample=0.5, n_jobs=1),
    "xgboost, base score": lambda: XGBClassifier(**_X, base_score=0.3),
    "lightgbm": lambda: LGBMClassifier(**_LIGHT),
    "lightgbm, dart": lambda: LGBMClassifier(**_LIGHT, boosting_type="dart"),
    "lightgbm, forest": lambda: LGBMClassifier(**_LIGHT, **_RF),
    "lightgbm, linked to one": lambda: LGBMClassifier(**_LIGHT, is_unbalance=True),
}
REGRESSORS = {
    "tree": DecisionTreeRegressor,
    "tree, absolute error": lambda: DecisionTreeRegressor(criterion="absolute_error", max_depth=4),
    "extra tree": lambda: ExtraTreeRegressor(max_depth=5),
    "forest": lambda: RandomForestRegressor(9),
    "extra trees": lambda: ExtraTreesRegressor(9),
    "gradient boosting": lambda: GradientBoostingRegressor(n_estimators=5),
    "gradient boosting, huber": lambda: GradientBoostingRegressor(n_estimators=5, loss="huber"),
    "gradient boosting from zero": lambda: GradientBoostingRegressor(n_estimators=5, init="zero"),
    "histogram": lambda: HistGradientBoostingRegressor(max_iter=6, min_samples_leaf=5),
    "histogram, gamma": lambda: HistGradientBoostingRegressor(max_iter=6, loss="gamma", min_samples_leaf=5),
    "adaboost": lambda: AdaBoostRegressor(n_estimators=7),
    "bag": lambda: BaggingRegressor(n_estimators=6, max_features=0.8),
    "xgboost": lambda: XGBRegressor(**_X),
    "xgboost, dart": lambda: XGBRegressor(**_X, **_DART),
    **{
        f"xgboost, {objective}": lambda objective=objective: XGBRegressor(**_X, objective=objective)
        for objective in ("reg:squaredlogerror", "reg:absoluteerror", "reg:gamma", "reg:tweedie", "count:poisson")
    },
    "xgboost, quantile": lambda: XGBRegressor(**_X, objective="reg:quantileerror", quantile_alpha=0.3),
    **{
        f"lightgbm, {objective}": lambda objective=objective: LGBMRegressor(**_LIGHT, objective=objective)
        for objective in ("l2", "l1", "huber", "fair", "poisson", "quantile", "mape", "gamma", "tweedie")
    },
    "lightgbm, forest": lambda: LGBMRegressor(**_LIGHT, **_RF),
}


def table(seed: int, classes: int, *, gaps: bool) -> tuple[np.ndarray, np.ndarray]:
    """Rows and answers: class numbers, or numbers above 0 where there are no classes."""
    chance = np.random.default_rng(seed)
    rows = chance.normal(size=(160, COLUMNS)) * np.array([1.0, 1e-3, 1e4, 1.0, 1.0])
    rows[:, 3] = np.round(rows[:, 3])
    score = rows[:, 0] + rows[:, 3] + 0.5 * chance.normal(size=len(rows))
    if gaps:
        rows[chance.random(rows.shape) < 0.1] = np.nan
    if not classes:
        return rows, np.exp(score / 2)
    return rows, np.searchsorted(np.quantile(score, np.linspace(0, 1, classes + 1)[1:-1]), score)


def fitted(make, seed: int, classes: int, *, gaps: bool = False):
    """A fitted estimator; with gaps only where it takes them."""
    model = make()
    if "random_state" in model.get_params():
        model.set_params(random_state=seed)
    with one_thread():
        return model.fit(*table(seed, classes, gaps=gaps))


def answers(model, rows: np.ndarray) -> np.ndarray:
    """What the library answers. numpy warns of numbers that are too large before the library refuses them."""
    with one_thread(), np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(model.predict_proba(rows) if hasattr(model, "classes_") else model.predict(rows), np.float64)


def hard_rows(compiled, seed: int, *, gaps: bool, large: bool) -> np.ndarray:
    """Rows of the table's kind, rows on thresholds and beside them, the ends of numbers, and gaps."""
    chance = np.random.default_rng(seed + 1)
    rows = [table(seed + 1, 0, gaps=gaps)[0]]
    nodes = compiled.describe()[1]["nodes"]
    inner = np.flatnonzero(nodes[:, 3])
    thresholds = np.ascontiguousarray(nodes[:, :2]).view("<f8").reshape(-1)
    for node in chance.choice(inner, min(60, len(inner)), replace=False) if len(inner) else []:
        at = chance.normal(size=(5, COLUMNS))
        exact = thresholds[node]
        at[:, nodes[node, 2]] = [
            exact,
            np.nextafter(exact, np.inf),
            np.nextafter(exact, -np.inf),
            np.float64(np.nextafter(np.float32(exact), np.float32(np.inf))),
            np.float64(np.nextafter(np.float32(exact), np.float32(-np.inf))),
        ]
        rows.append(at)
    ends = [0.0, -0.0, 1e-45, -1e-45, 1e-36, -1e-36, 1e-300, 3e38, -3e38, *([np.inf, -np.inf, 1e300] if large else [])]
    rows.append(chance.choice(np.array(ends), size=(40, COLUMNS)))
    made = np.vstack(rows)
    # a tree that divides what is missing from what is not has an infinite threshold
    return made if large else made[~np.any(np.abs(made) > np.finfo(np.float32).max, axis=1)]
