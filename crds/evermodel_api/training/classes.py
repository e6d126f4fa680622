"""The classes of scikit-learn, XGBoost, LightGBM and imbalanced-learn that a spec may name.

The lists are written down and not read from the libraries, since the API server and the operator have none of them; a
test holds them against what the installed libraries offer.
"""

from typing import Annotated

from pydantic import AfterValidator, WithJsonSchema

from evermodel_api.training.terms import Task


def _names(text: str) -> list[str]:
    return text.split()


CLASSIFIERS = _names(
    """
    AdaBoostClassifier BaggingClassifier BernoulliNB CalibratedClassifierCV CategoricalNB ComplementNB
    DecisionTreeClassifier DummyClassifier ExtraTreeClassifier ExtraTreesClassifier
    GaussianNB GaussianProcessClassifier GradientBoostingClassifier
    HistGradientBoostingClassifier KNeighborsClassifier LGBMClassifier LabelPropagation LabelSpreading
    LinearDiscriminantAnalysis LinearSVC LogisticRegression LogisticRegressionCV MLPClassifier
    MultinomialNB NearestCentroid NuSVC OneVsOneClassifier OneVsRestClassifier OutputCodeClassifier
    PassiveAggressiveClassifier Perceptron QuadraticDiscriminantAnalysis RadiusNeighborsClassifier
    RandomForestClassifier RidgeClassifier RidgeClassifierCV SGDClassifier SVC SelfTrainingClassifier
    StackingClassifier VotingClassifier XGBClassifier
    """
)
"""Every classifier of a table with one target. ClassifierChain and MultiOutputClassifier answer several targets;
FixedThresholdClassifier and TunedThresholdClassifierCV only move the threshold, which validation.threshold does for
every classifier."""

REGRESSORS = _names(
    """
    ARDRegression AdaBoostRegressor BaggingRegressor BayesianRidge CCA DecisionTreeRegressor
    DummyRegressor ElasticNet ElasticNetCV ExtraTreeRegressor ExtraTreesRegressor GammaRegressor
    GaussianProcessRegressor GradientBoostingRegressor HistGradientBoostingRegressor HuberRegressor
    IsotonicRegression KNeighborsRegressor KernelRidge LGBMRegressor Lars LarsCV Lasso LassoCV LassoLars
    LassoLarsCV LassoLarsIC LinearRegression LinearSVR MLPRegressor NuSVR OrthogonalMatchingPursuit
    OrthogonalMatchingPursuitCV PLSCanonical PLSRegression PassiveAggressiveRegressor PoissonRegressor
    QuantileRegressor RANSACRegressor RadiusNeighborsRegressor RandomForestRegressor Ridge RidgeCV
    SGDRegressor SVR StackingRegressor TheilSenRegressor TransformedTargetRegressor TweedieRegressor
    VotingRegressor XGBRegressor
    """
)
"""Every regressor of a table with one target. MultiOutputRegressor, MultiTask* and RegressorChain answer several."""

TRANSFORMERS = _names(
    """
    AdditiveChi2Sampler BernoulliRBM Binarizer BisectingKMeans DictionaryLearning FactorAnalysis
    FastICA FeatureAgglomeration GaussianRandomProjection IncrementalPCA Isomap IterativeImputer
    KBinsDiscretizer KMeans KNNImputer KernelPCA LatentDirichletAllocation LinearDiscriminantAnalysis
    LocallyLinearEmbedding MaxAbsScaler MinMaxScaler MiniBatchDictionaryLearning MiniBatchKMeans
    MiniBatchNMF MiniBatchSparsePCA MissingIndicator NMF NeighborhoodComponentsAnalysis Normalizer
    Nystroem OneHotEncoder OrdinalEncoder PCA PLSRegression PolynomialCountSketch PolynomialFeatures
    PowerTransformer QuantileTransformer RBFSampler RandomTreesEmbedding RobustScaler SimpleImputer
    SkewedChi2Sampler SparsePCA SparseRandomProjection SplineTransformer StandardScaler TargetEncoder
    TruncatedSVD VarianceThreshold
    """
)
"""Preparation steps: every transformer that turns columns of a table into columns of a table, row by row, once it is
fitted. Those that cannot do so for new rows (TSNE), that take text, dictionaries or images, that make a sparse graph of
the training rows, or that compose others are not among them; nor is Birch, which no model file without pickle can
hold."""

SELECTORS = _names(
    """
    GenericUnivariateSelect RFE RFECV SelectFdr SelectFpr SelectFromModel SelectFwe SelectKBest
    SelectPercentile SequentialFeatureSelector VarianceThreshold
    """
)
"""Feature selection."""

SAMPLERS = _names(
    """
    ADASYN BorderlineSMOTE ClusterCentroids CondensedNearestNeighbour EditedNearestNeighbours
    InstanceHardnessThreshold KMeansSMOTE NearMiss NeighbourhoodCleaningRule OneSidedSelection
    RandomOverSampler RandomUnderSampler SMOTE SMOTEENN SMOTETomek SVMSMOTE TomekLinks
    """
)
"""Resampling by imbalanced-learn."""

ESTIMATORS = sorted({*CLASSIFIERS, *REGRESSORS})
OF_TASK = {Task.CLASSIFICATION: CLASSIFIERS, Task.REGRESSION: REGRESSORS}
"""The estimators of each task."""


def _one_of(names: list[str], what: str) -> tuple[AfterValidator, WithJsonSchema]:
    def check(name: str) -> str:
        if name not in names:
            raise ValueError(f"{name!r} is no {what}; use one of {', '.join(names)}")
        return name

    return AfterValidator(check), WithJsonSchema({"type": "string", "enum": sorted(names)})


_ESTIMATOR_CHECK, _ESTIMATOR_SCHEMA = _one_of(ESTIMATORS, "estimator")
_TRANSFORMER_CHECK, _TRANSFORMER_SCHEMA = _one_of(sorted(TRANSFORMERS), "transformer")
_SELECTOR_CHECK, _SELECTOR_SCHEMA = _one_of(sorted(SELECTORS), "feature selection")
_SAMPLER_CHECK, _SAMPLER_SCHEMA = _one_of(sorted(SAMPLERS), "resampling")

Estimator = Annotated[str, _ESTIMATOR_CHECK, _ESTIMATOR_SCHEMA]
"""Class name of an estimator."""
Transformer = Annotated[str, _TRANSFORMER_CHECK, _TRANSFORMER_SCHEMA]
"""Class name of a preparation step."""
Selector = Annotated[str, _SELECTOR_CHECK, _SELECTOR_SCHEMA]
"""Class name of a feature selection."""
Sampler = Annotated[str, _SAMPLER_CHECK, _SAMPLER_SCHEMA]
"""Class name of a resampling."""
