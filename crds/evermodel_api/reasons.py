"""Every condition type and every reason, with its meaning.

Reasons are part of the contract: people and scripts match on them.
"""

from enum import StrEnum
from typing import Self


class ConditionType(StrEnum):
    """Which question a condition answers. `docs/conditions.md` is generated from here."""

    READY = "Ready"
    RECONCILING = "Reconciling"
    STALLED = "Stalled"
    RUNNING = "Running"
    COMPLETE = "Complete"
    FAILED = "Failed"
    GATE_PASSED = "GatePassed"
    SKIPPED = "Skipped"
    REPRODUCED = "Reproduced"
    SERVING = "Serving"
    UP_TO_DATE = "UpToDate"
    PROGRESSING = "Progressing"
    DATA_FRESH = "DataFresh"
    DATA_HEALTHY = "DataHealthy"
    DRIFTED = "Drifted"
    PERFORMANCE_DEGRADED = "PerformanceDegraded"
    RETRAIN_BLOCKED = "RetrainBlocked"


CONDITION_MEANINGS: dict[ConditionType, str] = {
    ConditionType.READY: "ModelVersion: it may serve. ModelDeployment: traffic is answered by the desired version. "
    "DriftMonitor: evaluations work.",
    ConditionType.RECONCILING: "The operator has seen the change and has not acted on it yet. Present only while true.",
    ConditionType.STALLED: "Nothing will happen until somebody changes something. Present only while true.",
    ConditionType.RUNNING: "ModelTraining: a run is under way.",
    ConditionType.COMPLETE: "ModelTraining: the last run ended with a version.",
    ConditionType.FAILED: "ModelTraining: the last run failed.",
    ConditionType.GATE_PASSED: "ModelTraining: the version of the last run passed all its gates.",
    ConditionType.SKIPPED: "ModelTraining: the last run found nothing new and made no version. Present with "
    "triggers.skipIfUnchanged.",
    ConditionType.REPRODUCED: "ModelVersion, where somebody asked for it: it was made again, and it is the same.",
    ConditionType.SERVING: "ModelDeployment: traffic is answered now.",
    ConditionType.UP_TO_DATE: "ModelDeployment: traffic is answered by the desired version.",
    ConditionType.PROGRESSING: "ModelDeployment: a version is being rolled out.",
    ConditionType.DATA_FRESH: "DriftMonitor: the window had enough rows.",
    ConditionType.DATA_HEALTHY: "DriftMonitor: the data passed its quality checks.",
    ConditionType.DRIFTED: "DriftMonitor: the inputs differ from the training data.",
    ConditionType.PERFORMANCE_DEGRADED: "DriftMonitor: the answers are worse than allowed.",
    ConditionType.RETRAIN_BLOCKED: "DriftMonitor: it fires, and yet no retraining is asked for; the reason says why.",
}


class Reason(StrEnum):
    """Why a condition is as it is, and why an Event was written."""

    meaning: str

    def __new__(cls, word: str, meaning: str = "") -> Self:
        """A member with its word as value and its meaning beside it."""
        member = str.__new__(cls, word)
        member._value_ = word
        member.meaning = meaning
        return member

    # training
    CREATED = "Created", "The training has never run."
    SPEC_CHANGED = "SpecChanged", "The training's spec changed since its last run."
    SCHEDULED = "Scheduled", "A moment of triggers.schedule has come."
    REQUESTED = "Requested", "A person or a monitor asked for a run."
    PERFORMANCE = "Performance", "A monitor measured that the answers got worse than allowed."
    DRIFT = "Drift", "A monitor found that the inputs differ from the training data."
    RUN_STARTED = "RunStarted", "A run was started."
    RUN_SUCCEEDED = "RunSucceeded", "A run made a version."
    RUN_FAILED = "RunFailed", "A run failed."
    UNCHANGED = "Unchanged", "The data, the spec and the image are those of the last run: nothing was made."
    PASSED_OVER = (
        "PassedOver",
        "A moment of the schedule was passed over: a run was under way, or startingDeadline was over.",
    )
    REPLACED = "Replaced", "The schedule was due, and concurrencyPolicy Replace stops the run that was under way."
    DISRUPTED = "Disrupted", "The run's pods were evicted or lost their node. It is started again."
    BUDGET_SPENT = (
        "BudgetSpent",
        "The budget (of a training's triggers, of a monitor's retrainings) allows no further run yet.",
    )
    QUEUED = "Queued", "The run's Job waits in its queue until Kueue starts it."
    SUSPENDED = "Suspended", "suspend is set in the spec."
    NO_RUN = "NoRun", "No run is under way."
    STARTING = "Starting", "The run's pod is being started."
    TRAINING = "Training", "The run's pod works."
    GATES_PASSED = "GatesPassed", "Every gate holds."
    GATE_REFUSED = "GateRefused", "A gate does not hold: the version is kept with its numbers and never served."
    DEADLINE_EXCEEDED = "DeadlineExceeded", "The run took longer than run.deadline."
    POD_CANNOT_START = "PodCannotStart", "The pod is not started: the image, a volume or room on a node is missing."
    INVALID_SPEC = (
        "InvalidSpec",
        "The spec is not valid for this operator; it was made under another version of the API.",
    )
    NAME_TAKEN = "NameTaken", "An object that has to be made is there already and belongs to somebody else."
    API_REFUSED = (
        "ApiRefused",
        "The API server refused an object that has to be made: a quota, a policy or an admission rule.",
    )
    # what a pod reports
    SECRET_KEY_MISSING = "SecretKeyMissing", "A Secret or a key in it that a source names is not there."
    SECRET_INVALID = "SecretInvalid", "What a Secret's key holds is no database URL, or cannot be sent as a header."
    SOURCE_UNKNOWN = "SourceUnknown", "--set-source names a source that the spec has not."
    SOURCE_INVALID = (
        "SourceInvalid",
        "A source says neither sql nor file nor http, or its address or one of its fields cannot be used.",
    )
    SOURCE_UNREACHABLE = (
        "SourceUnreachable",
        "A database, a file store or an API cannot be reached. The run is tried again.",
    )
    SOURCE_NOT_FOUND = "SourceNotFound", "A file that a source names is not there."
    SOURCE_UNREADABLE = (
        "SourceUnreadable",
        "A file is not what its format says, or an API's answer has no rows where records says.",
    )
    HTTP_REFUSED = "HttpRefused", "An HTTP API says that the request is wrong (a status of 4xx)."
    TOO_MANY_PAGES = "TooManyPages", "An HTTP API has more pages than maxPages allows."
    COMBINE_INVALID = "CombineInvalid", "A step of combine names something that is not there, or does not suit it."
    JOIN_INVALID = "JoinInvalid", "The keys of a join are of different kinds, repeat, or too many have no match."
    SCRATCH_FULL = "ScratchFull", "The pod's scratch space is full. The run is tried again."
    QUERY_REFUSED = "QueryRefused", "The database refused the query."
    NO_ROWS = "NoRows", "There are no rows."
    TOO_FEW_ROWS = "TooFewRows", "There are too few rows for the test, the folds or the window."
    COLUMN_MISSING = "ColumnMissing", "A column that the spec or the model names is not in the data."
    COLUMNS_DIFFER = "ColumnsDiffer", "The files of a source have different columns."
    COLUMN_NOT_A_FEATURE = "ColumnNotAFeature", "A column holds dates or something else that a model cannot take."
    COLUMN_KINDS_DIFFER = "ColumnKindsDiffer", "Two branches of the pipeline take a column as different kinds."
    MIXED_TYPES = "MixedTypes", "A column mixes numbers, text or booleans."
    INFINITE_VALUES = "InfiniteValues", "A column of numbers holds infinite values."
    NO_FEATURES = "NoFeatures", "No branch of the pipeline takes any column."
    ONE_CLASS = "OneClass", "The target has one class only."
    TARGET_MISSING = "TargetMissing", "The target is missing in some rows."
    TARGET_NOT_NUMERIC = "TargetNotNumeric", "The target of a regression is not a number."
    TARGET_NOT_CLASSES = "TargetNotClasses", "The target of a classification holds fractions."
    SCHEMA_VIOLATED = "SchemaViolated", "More rows than data.schema.onFail allows are not what data.schema says."
    NOT_A_DATE = "NotADate", "A column that prepare or data.split takes as dates holds something else."
    SPLIT_VALUE_MISSING = "SplitValueMissing", "The column that data.split.by names has no value in some rows."
    AUGMENT_INVALID = "AugmentInvalid", "A step of augment names a column that is no number, or balances numbers."
    PARAMETER_UNKNOWN = "ParameterUnknown", "A parameter is not one of its class."
    PARAMETER_MISSING = "ParameterMissing", "A class needs a parameter that the spec does not give."
    PARAMETER_INVALID = "ParameterInvalid", "A parameter names a class, a function or a label that is not there."
    THRESHOLD_IMPOSSIBLE = "ThresholdImpossible", "No threshold has the least precision and recall that are asked for."
    PREPARE_INVALID = "PrepareInvalid", "A step of pipeline.prepare takes or makes a column that it cannot."
    CHAMPION_SILENT = "ChampionSilent", "The champion's container, which runs its own image, gave no answer."
    CONTAINER_MODEL_MISSING = "ContainerModelMissing", "A container algorithm left no model file."
    ENGINE_UNREACHABLE = (
        "EngineUnreachable",
        "The Dask cluster cannot be reached or has no workers. The run is tried again.",
    )
    SNAPSHOT_MISSING = "SnapshotMissing", "The rows that a run read are not in the store, or were changed."
    FIT_FAILED = "FitFailed", "An algorithm cannot be fitted on this data."
    CHAMPION_DIFFERS = "ChampionDiffers", "The champion answers another question than the new model."
    ARTIFACT_MISSING = "ArtifactMissing", "A file of an artifact is not there."
    ARTIFACT_DIGEST_MISMATCH = "ArtifactDigestMismatch", "The bytes of an artifact are not those that were recorded."
    ARTIFACT_INVALID = "ArtifactInvalid", "An artifact is not one of Evermodel's."
    PICKLE_REFUSED = "PickleRefused", "A model is to be kept or loaded as a pickle, and the admin does not allow it."
    MODEL_TYPE_REFUSED = "ModelTypeRefused", "A model file names a type that is not allowed to be loaded."
    GOLDEN_ROWS_DIFFER = "GoldenRowsDiffer", "The model does not answer its golden rows as it did when it was made."
    RECORD_INVALID = "RecordInvalid", "The record of a run in the store cannot be read."
    VERSION_NOT_FOUND = "VersionNotFound", "The store has no such version."
    STORE_UNAVAILABLE = "StoreUnavailable", "The artifact store cannot be read or written."
    ORDER_INVALID = "OrderInvalid", "A pod's order cannot be read."
    WRONG_USAGE = "WrongUsage", "The command was called in a way that makes no sense."
    OUTPUT_TAKEN = "OutputTaken", "The folder that was to be written holds something already."
    OUTPUT_UNWRITABLE = "OutputUnwritable", "The folder that was to be written cannot be."
    SETTING_INVALID = "SettingInvalid", "The setting of a packaged application cannot be read, or a field is wrong."
    INSTALLATION_INCOMPLETE = "InstallationIncomplete", "A file is missing that Evermodel is installed with."
    PORT_UNAVAILABLE = "PortUnavailable", "The server cannot listen on its port."
    SPOOL_UNAVAILABLE = (
        "SpoolUnavailable",
        "The folder where requests and labels wait for the store cannot be used by the server.",
    )
    KEYS_MISSING = "KeysMissing", "A server that asks for API keys has none: the Secret is not there, or empty."
    KEY_INVALID = "KeyInvalid", "An API key is too short, or cannot be sent in a header."
    CERTIFICATE_MISSING = "CertificateMissing", "The certificate or the key of a server's TLS is not there."
    CERTIFICATE_INVALID = (
        "CertificateInvalid",
        "The certificate and the key of a server's TLS cannot be read, or do not belong together.",
    )
    CERTIFICATE_EXPIRED = "CertificateExpired", "The certificate of a server's TLS has expired, or does not count yet."
    TRACING_INVALID = "TracingInvalid", "The environment asks for traces in a way that is not spoken here."
    ROW_SHAPE = "RowShape", "A row has another number of values than the model has columns."
    NUMBER_EXPECTED = "NumberExpected", "A column of numbers holds something else."
    SIGNATURE_DIFFERS = (
        "SignatureDiffers",
        "A candidate takes other columns than the live version, or answers other classes: its users would notice.",
    )
    NOTHING_TO_REHEARSE = (
        "NothingToRehearse",
        "The live version has no logged request that a candidate could answer.",
    )
    REHEARSAL_IMPOSSIBLE = (
        "RehearsalImpossible",
        "The log does not hold what a candidate has to be asked with: a column is redacted or unknown.",
    )
    REHEARSAL_REFUSED = (
        "RehearsalRefused",
        "A candidate answers the last requests too differently from the live version.",
    )
    PREDICTION_FAILED = "PredictionFailed", "The model could not answer the rows of a window."
    WINDOW_NOT_FOUND = "WindowNotFound", "A window or labels file is not there."
    WINDOW_UNREADABLE = "WindowUnreadable", "A window or labels file is not what its format says."
    WINDOW_COLUMNS_MISSING = "WindowColumnsMissing", "A window lacks columns that the model takes."
    LABEL_COLUMNS_MISSING = "LabelColumnsMissing", "A labels file lacks its id or the target."
    REPORT_NOT_FOUND = "ReportNotFound", "A report that is to be verified is not there."
    REPORT_INVALID = "ReportInvalid", "A file that is to be verified is no report of an evaluation."
    METRIC_UNSUITED = "MetricUnsuited", "A metric does not fit the model's task."
    ESTIMATE_UNSUITED = "EstimateUnsuited", "A monitor asks for an estimate that cannot be made of this model."
    STATISTIC_UNSUITED = "StatisticUnsuited", "A monitor compares a column by a statistic that is not for its kind."
    METRIC_NOT_MEASURED = "MetricNotMeasured", "maxDrop names a metric that the training did not measure."
    OUT_OF_MEMORY = "OutOfMemory", "The pod used more memory than its limit."
    CRASHED = "Crashed", "The pod ended with an error that says no more."
    # version
    WAITING_FOR_GATES = "WaitingForGates", "The version was just recorded."
    APPROVAL_NEEDED = (
        "ApprovalNeeded",
        "approval is Manual (of a version, of a retraining): a person must say yes or no.",
    )
    APPROVED = "Approved", "The version may serve."
    APPROVED_BY_PERSON = "ApprovedByPerson", "A person said yes."
    REJECTED_BY_PERSON = "RejectedByPerson", "A person said no."
    ROLLOUT_COMPLETE = "RolloutComplete", "Every deployment that follows the training serves this version."
    NOT_FOLLOWED = "NotFollowed", "No deployment follows the training: the newest approved version is its champion."
    SUPERSEDED = "Superseded", "A newer version took over."
    KEEP_PREVIOUS_OVER = "KeepPreviousOver", "A newer version took over and this one is no longer kept warm."
    BEYOND_KEEP = "BeyondKeep", "The training keeps fewer versions that are Retired or Rejected (register.keep)."
    REPRODUCING = "Reproducing", "The version is being made again, from its snapshot and in its own image."
    IDENTICAL = "Identical", "The version was made again, and it is the same to the bit."
    WITHIN_TOLERANCE = "WithinTolerance", "The version was made again, and answers alike as far as its algorithm can."
    DIFFERENT = "Different", "The version was made again, and it answers otherwise."
    IMPOSSIBLE = "Impossible", "The version cannot be made again: its snapshot or its order is not there."
    REPRODUCTION_FAILED = "ReproductionFailed", "Making the version again failed before there was anything to compare."
    # deployment
    SERVED = "Served", "Traffic is answered by the desired version."
    NOT_SERVED = "NotServed", "No pod answers traffic."
    NO_VERSION = "NoVersion", "There is no approved version yet."
    VERSION_NOT_APPROVED = "VersionNotApproved", "The pinned version is not there or may not serve."
    ROLLING_OUT = "RollingOut", "The pods of the new version are being started."
    ROLLED_OUT = "RolledOut", "The Service moved to the new version."
    ROLLOUT_FAILED = "RolloutFailed", "The new version's pods cannot serve; the live version goes on."
    PROGRESS_DEADLINE_EXCEEDED = (
        "ProgressDeadlineExceeded",
        "The new version's pods were not ready within progressDeadline.",
    )
    CHECK_FAILED = "CheckFailed", "A check of the strategy failed on the new version's own metrics."
    ROLLED_BACK = "RolledBack", "The Service moved back to the version before."
    ROLLED_BACK_BY_PERSON = "RolledBackByPerson", "A person asked to go back to the version before."
    NOTHING_TO_ROLL_BACK = "NothingToRollBack", "A person asked to go back, and no version before is warm."
    PROMOTED = "Promoted", "A person asked to go on with the rollout."
    RETRIED = "Retried", "A person asked to try a rejected version again."
    STEP = "Step", "The new version takes its share of the traffic, or waits for its turn, in a step of the strategy."
    PAUSED = "Paused", "A person paused the rollout."
    WATCHED = "Watched", "The new version takes all traffic, and its checks go on."
    IDLE = "Idle", "Nothing is being rolled out."
    PREVIOUS_REMOVED = "PreviousRemoved", "The replaced version was drained and removed."
    # monitor
    EVALUATED = "Evaluated", "The last evaluation worked."
    EVALUATION_FAILED = "EvaluationFailed", "The last evaluation failed."
    WAITING_FOR_DEPLOYMENT = "WaitingForDeployment", "The deployment serves no version yet."
    NOT_EVALUATED = "NotEvaluated", "There was no evaluation of this version yet."
    NOTHING_LOGGED = (
        "NothingLogged",
        "The window has no rows: nobody asks the model, or its log does not reach the store.",
    )
    TOO_FEW_LABELS = "TooFewLabels", "Performance is asked for, and too few rows of the window have a label to tell."
    ENOUGH_ROWS = "EnoughRows", "The window had at least window.minRows rows."
    NOT_JUDGED = "NotJudged", "The spec does not ask for it, or there were too few rows or labels."
    WITHIN_LIMITS = "WithinLimits", "Everything that was asked for is within its limits."
    BEYOND_LIMITS = "BeyondLimits", "Something is beyond its limit."
    FIRING = "Firing", "Enough of the last evaluations found degradation."
    CALM = "Calm", "The monitor does not fire any more."
    RETRAIN_REQUESTED = "RetrainRequested", "A retraining was asked for."
    RETRAIN_PROPOSED = "RetrainProposed", "A retraining is proposed, and a person must say yes or no."
    RETRAIN_DECLINED = "RetrainDeclined", "A person said no to a retraining."
    RETRAIN_ENDED = "RetrainEnded", "What a retraining came to is known."
    COOLING_DOWN = "CoolingDown", "A retraining was asked for less than actions.retrain.cooldown ago."
    BACKING_OFF = "BackingOff", "The last retraining did not help, so the cooldown is longer."
    FROZEN = "Frozen", "A rollout or a run is under way: no retraining is asked for meanwhile."
    DATA_BROKEN = "DataBroken", "The data failed its quality checks, and bad data never trains a model."
    CAUSE_NOT_WANTED = "CauseNotWanted", "What was found is not among actions.retrain.on."
    NOTHING_FOUND = "NothingFound", "The monitor still fires, and its last evaluation found nothing."
    TOO_FEW_VOTES = (
        "TooFewVotes",
        "Too few of the last evaluations found something that a new model could mend; others made the monitor fire.",
    )
