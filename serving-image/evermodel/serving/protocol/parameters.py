"""`parameters` of the Open Inference Protocol: objects of texts, numbers and truth values, of a request or a tensor.

Parameters that mean nothing here are taken and change nothing, as the protocol has it: clients tell proxies by them.
Those that would change the answer and cannot be honoured are refused.
"""

from collections.abc import Mapping

from evermodel.serving.check import show
from evermodel.serving.faults import BadRequestError

Parameters = Mapping[str, str | int | float | bool]
NONE: Parameters = {}

_CONTENT_TYPES = ("pd", "np", "str", "base64")
_OF_TEXT = frozenset({"str", "base64"})
_REFUSED = {
    "shared_memory_region": "shared memory is not read here; send the values in the request",
    "classification": "classes are not ranked here; ask for predict_proba",
}


def read_parameters(where: str, found: object) -> Parameters:
    """The parameters of a request, an input or an output; `where` says whose, for sentences.

    Raises:
        BadRequestError: they are no object of texts, numbers and truth values, or want what is not done here.
    """
    if found is None:
        return NONE
    if not isinstance(found, dict):
        raise BadRequestError(f"{where}: parameters must be an object, got {show(found)}")
    for name, value in found.items():
        if not isinstance(value, str | int | float):
            raise BadRequestError(
                f"{where}: parameter {show(name)} must be a text, a number, true or false, got {show(value)}"
            )
        if name in _REFUSED:
            raise BadRequestError(f"{where}: parameter {name}: {_REFUSED[name]}")
    return found


def content_type(where: str, parameters: Parameters) -> str | None:
    """What `content_type` says of the values: pd, np, str or base64; None where it says nothing.

    Raises:
        BadRequestError: it is none of them.
    """
    found = parameters.get("content_type")
    if found is None or found in _CONTENT_TYPES:
        return None if found is None else str(found)
    raise BadRequestError(
        f"{where}: content_type {show(found)} is not read here; use {', '.join(_CONTENT_TYPES)}, or none"
    )


def is_base64(where: str, parameters: Parameters, datatype: str, default: str | None) -> bool:
    """Whether the texts of an input are written in base64, as its own `content_type` says, else the request's.

    Raises:
        BadRequestError: a content type of texts on a tensor of numbers.
    """
    own = content_type(where, parameters)
    if own in _OF_TEXT and datatype != "BYTES":
        raise BadRequestError(f"{where}: content_type {own} is one of BYTES, and the datatype is {datatype}")
    return datatype == "BYTES" and (own or default) == "base64"


def flag(where: str, parameters: Parameters, name: str, *, default: bool) -> bool:
    """A parameter that is true or false.

    Raises:
        BadRequestError: it is neither.
    """
    found = parameters.get(name, default)
    if not isinstance(found, bool):
        raise BadRequestError(f"{where}: parameter {name} must be true or false, got {show(found)}")
    return found
