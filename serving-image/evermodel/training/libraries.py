"""Where each class that a spec may name lives, and where our defaults differ from its library's.

The classes are written down by module: nothing that is not here is ever imported because a spec names it.
"""

import importlib
from typing import Any

_CLASSES_BY_MODULE = {
    "imblearn.combine": "SMOTEENN SMOTETomek",
    "imblearn.over_sampling": "ADASYN BorderlineSMOTE KMeansSMOTE RandomOverSampler SMOTE SVMSMOTE",
    "imblearn.under_sampling": """
        ClusterCentroids CondensedNearestNeighbour EditedNearestNeighbours InstanceHardnessThreshold NearMiss
        NeighbourhoodCleaningRule OneSidedSelection RandomUnderSampler TomekLinks
        """,
    "lightgbm": "LGBMClassifier LGBMRegressor",
    "sklearn.calibration": "CalibratedClassifierCV",
    "sklearn.cluster": "BisectingKMeans FeatureAgglomeration KMeans MiniBatchKMeans",
    "sklearn.compose": "TransformedTargetRegressor",
    "sklearn.cross_decomposition": "CCA PLSCanonical PLSRegression",
    "sklearn.decomposition": """
        DictionaryLearning FactorAnalysis FastICA IncrementalPCA KernelPCA LatentDirichletAllocation
        MiniBatchDictionaryLearning MiniBatchNMF MiniBatchSparsePCA NMF PCA SparsePCA TruncatedSVD
        """,
    "sklearn.discriminant_analysis": "LinearDiscriminantAnalysis QuadraticDiscriminantAnalysis",
    "sklearn.dummy": "DummyClassifier DummyRegressor",
    "sklearn.ensemble": """
        AdaBoostClassifier AdaBoostRegressor BaggingClassifier BaggingRegressor ExtraTreesClassifier ExtraTreesRegressor
        GradientBoostingClassifier GradientBoostingRegressor HistGradientBoostingClassifier
        HistGradientBoostingRegressor RandomForestClassifier RandomForestRegressor RandomTreesEmbedding
        StackingClassifier StackingRegressor VotingClassifier VotingRegressor
        """,
    "sklearn.feature_selection": """
        GenericUnivariateSelect RFE RFECV SelectFdr SelectFpr SelectFromModel SelectFwe SelectKBest SelectPercentile
        SequentialFeatureSelector VarianceThreshold
        """,
    "sklearn.gaussian_process": "GaussianProcessClassifier GaussianProcessRegressor",
    "sklearn.impute": "IterativeImputer KNNImputer MissingIndicator SimpleImputer",
    "sklearn.isotonic": "IsotonicRegression",
    "sklearn.kernel_approximation": "AdditiveChi2Sampler Nystroem PolynomialCountSketch RBFSampler SkewedChi2Sampler",
    "sklearn.kernel_ridge": "KernelRidge",
    "sklearn.linear_model": """
        ARDRegression BayesianRidge ElasticNet ElasticNetCV GammaRegressor HuberRegressor Lars LarsCV Lasso LassoCV
        LassoLars LassoLarsCV LassoLarsIC LinearRegression LogisticRegression LogisticRegressionCV
        OrthogonalMatchingPursuit OrthogonalMatchingPursuitCV PassiveAggressiveClassifier PassiveAggressiveRegressor
        Perceptron PoissonRegressor QuantileRegressor RANSACRegressor Ridge RidgeCV RidgeClassifier RidgeClassifierCV
        SGDClassifier SGDRegressor TheilSenRegressor TweedieRegressor
        """,
    "sklearn.manifold": "Isomap LocallyLinearEmbedding",
    "sklearn.multiclass": "OneVsOneClassifier OneVsRestClassifier OutputCodeClassifier",
    "sklearn.naive_bayes": "BernoulliNB CategoricalNB ComplementNB GaussianNB MultinomialNB",
    "sklearn.neighbors": """
        KNeighborsClassifier KNeighborsRegressor NearestCentroid NeighborhoodComponentsAnalysis
        RadiusNeighborsClassifier RadiusNeighborsRegressor
        """,
    "sklearn.neural_network": "BernoulliRBM MLPClassifier MLPRegressor",
    "sklearn.preprocessing": """
        Binarizer KBinsDiscretizer MaxAbsScaler MinMaxScaler Normalizer OneHotEncoder OrdinalEncoder PolynomialFeatures
        PowerTransformer QuantileTransformer RobustScaler SplineTransformer StandardScaler TargetEncoder
        """,
    "sklearn.random_projection": "GaussianRandomProjection SparseRandomProjection",
    "sklearn.semi_supervised": "LabelPropagation LabelSpreading SelfTrainingClassifier",
    "sklearn.svm": "LinearSVC LinearSVR NuSVC NuSVR SVC SVR",
    "sklearn.tree": "DecisionTreeClassifier DecisionTreeRegressor ExtraTreeClassifier ExtraTreeRegressor",
    "xgboost": "XGBClassifier XGBRegressor",
}
MODULES = {name: module for module, names in _CLASSES_BY_MODULE.items() for name in names.split()}
"""Module of each class."""

_LIGHTGBM = {"deterministic": True, "force_row_wise": True, "n_jobs": 0, "verbose": -1}
"""n_jobs 0: OpenMP's own number, which follows the pod's limit and a worker's share of the cores."""

DEFAULTS: dict[str, dict[str, Any]] = {
    # a column without any value stays a column: the model must not change its width with the rows of a fold
    "SimpleImputer": {"keep_empty_features": True},
    "KNNImputer": {"keep_empty_features": True},
    "IterativeImputer": {"keep_empty_features": True},
    # a served model meets levels and gaps that training never saw, and must answer
    "OneHotEncoder": {"handle_unknown": "infrequent_if_exist", "sparse_output": False},
    "OrdinalEncoder": {"handle_unknown": "use_encoded_value", "unknown_value": -1},
    "MissingIndicator": {"error_on_new": False, "sparse": False},
    # the next step may be one that takes no sparse rows
    "KBinsDiscretizer": {"encode": "onehot-dense"},
    "RandomTreesEmbedding": {"sparse_output": False},
    # there is one target, and it has one component
    "CCA": {"n_components": 1},
    "PLSCanonical": {"n_components": 1},
    # another solver begins at a random place, and takes no seed here
    "Isomap": {"eigen_solver": "dense"},
    # LightGBM adds up in the order in which threads come, unless it is told not to
    "LGBMClassifier": _LIGHTGBM,
    "LGBMRegressor": _LIGHTGBM,
}
"""What a class is made with where the spec says nothing. What a spec says comes first."""

SINGLE = frozenset(
    {
        *("DictionaryLearning", "Isomap", "KernelPCA", "LatentDirichletAllocation", "LocallyLinearEmbedding"),
        *("MiniBatchDictionaryLearning", "MiniBatchSparsePCA", "Nystroem", "SparsePCA"),
    }
)
"""Classes whose n_jobs is taken as 1: they cut their rows into as many pieces, and add up in another order."""

NEEDS_ESTIMATOR = frozenset(
    {
        *("OneVsOneClassifier", "OneVsRestClassifier", "OutputCodeClassifier", "SelfTrainingClassifier"),
        *("RFE", "RFECV", "SelectFromModel", "SequentialFeatureSelector"),
    }
)
"""Classes that do not work without an estimator inside: they get LogisticRegression, or Ridge for Regression."""

MORE_PARAMETERS = {
    name: frozenset(
        [
            "bin_construct_sample_cnt",
            "boost_from_average",
            "deterministic",
            "extra_trees",
            "feature_fraction_bynode",
            "force_col_wise",
            "force_row_wise",
            "is_unbalance",
            "linear_lambda",
            "linear_tree",
            "max_bin",
            "max_delta_step",
            "min_data_in_bin",
            "monotone_constraints",
            "path_smooth",
            "scale_pos_weight",
            "verbose",
        ]
    )
    for name in ("LGBMClassifier", "LGBMRegressor")
}
"""Parameters that a class takes beside those of its constructor."""


def load_class(name: str) -> type:
    """The class of this name; `name` is one of `MODULES`."""
    module = MODULES[name]
    if name == "IterativeImputer":
        # scikit-learn hides it until it is asked for
        importlib.import_module("sklearn.experimental.enable_iterative_imputer")
    cls: type = getattr(importlib.import_module(module), name)
    return cls
