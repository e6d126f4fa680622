"""Models as pickles, for what skops cannot hold. Loading one runs whatever it says: only where the admin allows it."""

import io
import pickle
from typing import Any

from evermodel.artifact.model_parts import answer_with_one_thread
from evermodel.errors import DataError, SpecError

_REMEDY = "the cluster's admin can allow pickles with artifacts.allowPickle in the chart's values"
_PROTOCOL = 5


def dump_pickle(model: Any, *, allowed: bool) -> bytes:
    """The fitted model as a pickle. From now on it answers with one thread.

    The bytes are canonical as far as the libraries make them so: what is equal but not the same object in memory is
    written twice, and which it is may depend on how many processes fitted the model. To even that out the model is
    written, read and written again.

    Args:
        model: the fitted model.
        allowed: whether the cluster's admin allows pickles.

    Raises:
        SpecError: `PickleRefused` when it is not allowed, `ModelTypeRefused` when the model cannot be pickled.
    """
    if not allowed:
        raise SpecError("PickleRefused", f"register.formats names pickle, which is not allowed here; {_REMEDY}")
    answer_with_one_thread(model)
    try:
        return _written(pickle.loads(_written(model)))  # noqa: S301  what was written just here
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        words = " ".join(str(error).split())
        raise SpecError(
            "ModelTypeRefused", f"the fitted model cannot be kept as a pickle ({words}); choose other params"
        ) from error


def _written(model: Any) -> bytes:
    buffer = io.BytesIO()
    pickle.Pickler(buffer, protocol=_PROTOCOL).dump(model)
    return buffer.getvalue()


def load_pickle(content: bytes, *, allowed: bool) -> Any:
    """Load the model, and run whatever its file says.

    Args:
        content: the file's bytes, verified against a digest that is trusted.
        allowed: whether the cluster's admin allows pickles.

    Raises:
        DataError: `PickleRefused` when it is not allowed, `ArtifactInvalid` when the bytes are no pickle that this
            image can load.
    """
    if not allowed:
        raise DataError("PickleRefused", f"the model is kept as a pickle, which is not loaded here; {_REMEDY}")
    try:
        return pickle.loads(content)  # noqa: S301  the admin allows it
    except Exception as error:
        words = " ".join(str(error).split())[:200]
        raise DataError(
            "ArtifactInvalid", f"the pickle cannot be loaded ({type(error).__name__}: {words}); train the model again"
        ) from error
