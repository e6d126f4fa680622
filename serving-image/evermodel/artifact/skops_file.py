"""Model files without pickle: skops, with the types that may be loaded listed here and never read from the file.

A file names the types it wants made. skops knows scikit-learn's estimators and numpy; what else our estimators hold is
in `_ALLOWED`. Anything more is refused by its name before anything is built.

The bytes are canonical: equal models have equal bytes. skops names its entries by memory addresses and stamps them with
the time, so the archive is written anew with addresses numbered in order and one fixed date. What says nothing about
the model is left out: the memory between the fields of a tree's nodes, which nobody wrote, and how many threads there
were.
"""

import hashlib
import io
import json
import re
from collections.abc import Iterator
from typing import Any
from zipfile import ZIP_STORED, BadZipFile, ZipFile, ZipInfo

import numpy as np
import skops.io

from evermodel.artifact.model_parts import answer_with_one_thread
from evermodel.errors import DataError, SpecError

_DISTANCES = """
    BrayCurtis Canberra Chebyshev Dice Euclidean Hamming Haversine Jaccard Mahalanobis Manhattan Matching Minkowski
    RogersTanimoto RussellRao SEuclidean SokalMichener SokalSneath
    """
_ALLOWED = (
    "collections.OrderedDict",
    "evermodel.artifact.class_scores.AnswerScores",
    "evermodel.artifact.feature_score.FeatureScore",
    "evermodel.artifact.prepare.Prepare",
    "lightgbm.basic.Booster",
    "lightgbm.sklearn.LGBMClassifier",
    "lightgbm.sklearn.LGBMRegressor",
    "numpy.dtype",
    # Two functions of arrays, which splines and FeatureAgglomeration keep. They compute and do nothing else.
    "numpy.mean",
    "scipy._lib.array_api_compat.numpy._aliases.asarray",
    "scipy.interpolate._bsplines.BSpline",
    "scipy.sparse._csr.csr_matrix",
    "sklearn._loss.loss.HalfTweedieLoss",
    "sklearn._loss.loss.HalfTweedieLossIdentity",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.calibration._TemperatureScaling",
    "sklearn.cluster._bisect_k_means._BisectingTree",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.gaussian_process._gpc._BinaryGaussianProcessClassifierLaplace",
    "sklearn.gaussian_process.kernels.ConstantKernel",
    "sklearn.gaussian_process.kernels.Product",
    "sklearn.gaussian_process.kernels.RBF",
    "sklearn.impute._iterative.IterativeImputer",
    "sklearn.impute._iterative._ImputerTriplet",
    *(f"sklearn.metrics._dist_metrics.{name}Distance64" for name in _DISTANCES.split()),
    "sklearn.model_selection._split.StratifiedKFold",
    "sklearn.multiclass._ConstantPredictor",
    "sklearn.neighbors._ball_tree.BallTree",
    "sklearn.neighbors._kd_tree.KDTree",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.neural_network._stochastic_optimizers.SGDOptimizer",
    "sklearn.tree._tree.Tree",
    "sklearn.utils._bunch.Bunch",
    "xgboost.core.Booster",
    "xgboost.sklearn.XGBClassifier",
    "xgboost.sklearn.XGBRegressor",
)
"""Types beyond skops's own that fitted classes of `evermodel_api.training.classes` hold. Each is data, or a class whose
making does nothing but keep data; none takes a function from the file."""

_SCHEMA = "schema.json"
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest date a zip entry can have."""
_NEIGHBOUR_TREES = {"BallTree", "KDTree"}
_CHANCE = {"RandomStateNode", "RandomGeneratorNode"}
_COUNTS = slice(7, 11)
"""Where the state of such a tree has its counts: trims, leaves, splits and calls."""
_THREADS = re.compile(r"\[num_threads: -?\d+\]")


def dump_model(model: Any) -> bytes:
    """The fitted pipeline as canonical skops bytes. From now on it answers with one thread.

    Raises:
        SpecError: `ModelTypeRefused` when the model holds a type that could not be loaded again.
    """
    answer_with_one_thread(model)
    content = _canonical(skops.io.dumps(model))
    if refused := _refused_types(content):
        raise SpecError(
            "ModelTypeRefused",
            f"the fitted model holds {', '.join(refused)}, which is not among the types that may be loaded again; "
            "choose other params, such as another metric",
        )
    return content


def load_model(content: bytes) -> Any:
    """Build the model. Only types of the allow-list are made.

    Raises:
        DataError: `ModelTypeRefused` naming the type, or `ArtifactInvalid` when the bytes are no model file.
    """
    if refused := _refused_types(content):
        raise DataError(
            "ModelTypeRefused",
            f"the model file wants to make {', '.join(refused)}, which is not among the types this image allows; "
            "train the model again with an estimator of the API",
        )
    try:
        return skops.io.loads(content, trusted=list(_ALLOWED))
    except Exception as error:
        # whatever a damaged file makes skops raise, the remedy is the same
        raise _invalid(error) from error


def _refused_types(content: bytes) -> list[str]:
    try:
        _refuse_compressed(content)
        untrusted = set(skops.io.get_untrusted_types(data=content))
    except Exception as error:
        raise _invalid(error) from error
    return sorted(untrusted - set(_ALLOWED))


def _refuse_compressed(content: bytes) -> None:
    """An archive must not be larger unpacked than it is: the files that are written here are never compressed.

    Raises:
        ValueError, BadZipFile: it is.
    """
    with ZipFile(io.BytesIO(content)) as archive:
        entries = archive.infolist()
        stored = all(entry.compress_type == ZIP_STORED for entry in entries)
        if not stored or sum(entry.file_size for entry in entries) > len(content):
            raise ValueError("it is compressed, and a model file never is")
        for entry in entries:
            if entry.filename.endswith(".npz"):
                _refuse_compressed(archive.read(entry))


def _invalid(error: Exception) -> DataError:
    what = "no zip archive" if isinstance(error, BadZipFile) else f"{type(error).__name__}: {error}"
    return DataError("ArtifactInvalid", f"the model file cannot be read ({what}); train the model again")


def _canonical(content: bytes) -> bytes:
    with ZipFile(io.BytesIO(content)) as archive:
        schema = json.loads(archive.read(_SCHEMA))
        entries = {name: _canonical_entry(name, archive.read(name)) for name in archive.namelist() if name != _SCHEMA}
    _forget_use(schema)
    _sort_keys(schema)
    renamed = _number_nodes(schema, {name: hashlib.sha256(entry).hexdigest() for name, entry in entries.items()})
    buffer = io.BytesIO()
    with ZipFile(buffer, "w") as archive:
        _write_entry(archive, _SCHEMA, json.dumps(schema, separators=(",", ":")).encode())
        for new, old in renamed.items():
            _write_entry(archive, new, entries[old])
    return buffer.getvalue()


def _canonical_entry(name: str, content: bytes) -> bytes:
    if name.endswith(".npz"):
        return _canonical_archive(content)
    if not name.endswith(".npy"):
        return content
    array = np.load(io.BytesIO(content), allow_pickle=False)
    if array.dtype.names is None:
        return content
    clean = np.zeros(array.shape, array.dtype)
    for field in array.dtype.names:
        clean[field] = array[field]
    buffer = io.BytesIO()
    np.save(buffer, clean, allow_pickle=False)
    return buffer.getvalue()


def _canonical_archive(content: bytes) -> bytes:
    """A sparse matrix, which is an archive in the archive, with a time of its own."""
    buffer = io.BytesIO()
    with ZipFile(io.BytesIO(content)) as archive, ZipFile(buffer, "w") as clean:
        for name in sorted(archive.namelist()):
            _write_entry(clean, name, archive.read(name))
    return buffer.getvalue()


def _forget_use(schema: dict[str, Any]) -> None:
    """Leave out how many threads LightGBM had, in its own text, and how often trees of neighbours were asked."""
    for node in _nodes(schema):
        if node.get("__class__") == "Booster" and node.get("__module__") == "lightgbm.basic":
            state = node["content"]["content"]
            state["_handle"]["content"] = _THREADS.sub("[num_threads: 1]", state["_handle"]["content"])
            if isinstance(given := state["params"]["content"].get("num_threads"), dict):
                given["content"] = "1"
        elif node.get("__class__") in _NEIGHBOUR_TREES and "content" in node:
            for count in node["content"]["content"][_COUNTS]:
                count["content"] = "0"


def _sort_keys(schema: dict[str, Any]) -> None:
    """Bring every mapping into the order of its keys, in place, and with it the list of its keys' types."""
    for node in _nodes(schema):
        types = node.get("key_types")
        if isinstance(types, dict) and len(types["content"]) == len(node["content"]):
            pairs = sorted(zip(node["content"], types["content"], strict=True), key=lambda pair: pair[0])
            types["content"] = [kind for _, kind in pairs]
        ordered = sorted(node.items())
        node.clear()
        node.update(ordered)


def _write_entry(archive: ZipFile, name: str, content: bytes) -> None:
    entry = ZipInfo(name, date_time=_EPOCH)
    entry.compress_type = ZIP_STORED  # what zlib makes of the same bytes depends on its release
    entry.create_system = 3
    entry.external_attr = 0o644 << 16
    archive.writestr(entry, content)


def _number_nodes(schema: dict[str, Any], digests: dict[str, str]) -> dict[str, str]:
    """Number the nodes of the tree in order, in place; the old name of each entry that is kept, by its new one.

    Equal parts are one object in the loaded model, and equal arrays are kept once: whether they were one in memory
    depends on how many processes fitted it. (A loaded model only answers; it is never fitted further, which would
    change all of them.)
    """
    identities: dict[int, object] = {}
    _identify(schema, digests, identities)
    numbers: dict[object, int] = {}
    names: dict[str, str] = {}
    kept: dict[str, str] = {}
    for node in _nodes(schema):
        old = node.get("file")
        if "__id__" in node:
            node["__id__"] = numbers.setdefault(identities[id(node)], len(numbers))
        if isinstance(old, str):
            node["file"] = names.setdefault(digests[old], f"{len(names)}{_suffix(old)}")
            kept.setdefault(node["file"], old)
    return kept


def _identify(value: Any, digests: dict[str, str], identities: dict[int, object]) -> str:
    """The digest of a part of the tree; enters which nodes are one object when they are loaded, by `id` of the node."""
    if isinstance(value, list):
        return _digest([_identify(item, digests, identities) for item in value])
    if not isinstance(value, dict):
        return _digest(digests.get(value, value) if isinstance(value, str) else value)
    content = [[key, _identify(item, digests, identities)] for key, item in value.items() if key != "__id__"]
    digest = _digest(content)
    if value.get("__loader__") == "JsonNode":
        # text and plain numbers may or may not be one object in memory, which says nothing about the model
        identities[id(value)] = object()
    elif value.get("__loader__") in _CHANCE:
        identities[id(value)] = value.get("__id__")  # two that are equal must not draw from one another
    else:
        identities[id(value)] = digest
    return digest


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()


def _suffix(name: str) -> str:
    return "".join(re.findall(r"\.[a-z]+$", name))


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    stack = [value]
    while stack:
        current = stack.pop()
        if isinstance(current, dict):
            yield current
            stack.extend(reversed(current.values()))
        elif isinstance(current, list):
            stack.extend(reversed(current))
