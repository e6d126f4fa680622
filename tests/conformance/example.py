"""A valid request for a model: given in a file, or made from the model's metadata."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

Document = dict[str, Any]

ROWS = 2
"""Rows of a request that is made from metadata."""
INTEGERS = tuple(f"{sign}INT{bits}" for sign in ("", "U") for bits in (8, 16, 32, 64))
FLOATS = ("FP16", "FP32", "FP64")
DATATYPES = ("BOOL", *INTEGERS, *FLOATS, "BYTES")
_VALUES: dict[str, list[Any]] = {"BOOL": [True, False], "BYTES": ["a", "b"]}


class NoExampleError(Exception):
    """Metadata do not say what a request looks like; the message asks for a file."""


@dataclass(frozen=True)
class Example:
    """Valid requests."""

    inputs: list[Document]
    """Tensors with flat data."""
    columns: list[Document] | None = None
    """The same rows with one tensor for each column of a table; None where its columns are not known."""

    def request(self, **more: Any) -> Document:
        """A fresh copy of the request; `more` are keys beside `inputs`."""
        return {"inputs": copy.deepcopy(self.inputs), **more}

    @property
    def numeric(self) -> bool:
        """Whether all tensors hold numbers."""
        return all(tensor["datatype"] in INTEGERS + FLOATS for tensor in self.inputs)

    @property
    def rows(self) -> int:
        """The first dimension of the first tensor."""
        return int(self.inputs[0]["shape"][0])


def read_example(path: Path) -> Example:
    """The request in a file: `{"inputs": [...]}`, and `"columns": [...]` for one tensor for each column."""
    document = json.loads(path.read_text())
    columns = document.get("columns")
    return Example([_flattened(t) for t in document["inputs"]], columns and [_flattened(t) for t in columns])


def example_from_metadata(metadata: Document) -> Example:
    """A request that the metadata's inputs describe; a model of columns is asked by columns.

    Raises:
        NoExampleError: there are no inputs in the metadata.
    """
    described = metadata.get("inputs")
    if not isinstance(described, list) or not described:
        raise NoExampleError("the model's metadata list no inputs: give a valid request with --input-file")
    tensors = [_made(tensor) for tensor in described]
    by_column = all(len(t["shape"]) == 1 or t["shape"][1:] == [1] for t in tensors)
    return Example(tensors, tensors if by_column else None)


def nested(data: list[Any], shape: list[int]) -> list[Any]:
    """Flat data as lists in lists of that shape."""
    if len(shape) <= 1:
        return data
    step = prod(shape[1:])
    return [nested(data[i * step : (i + 1) * step], shape[1:]) for i in range(shape[0])]


def flat(data: Any) -> list[Any]:
    """Lists in lists as one list, row by row."""
    return [value for item in data for value in flat(item)] if isinstance(data, list) else [data]


def _flattened(tensor: Document) -> Document:
    return {**tensor, "data": flat(tensor["data"])}


def _made(described: Document) -> Document:
    first, *rest = described["shape"]
    shape = [ROWS if first == -1 else first, *(1 if size == -1 else size for size in rest)]
    values = _VALUES.get(described["datatype"], [1, 2])
    count = prod(shape)
    data = [values[i % len(values)] for i in range(count)]
    return {"name": described["name"], "shape": shape, "datatype": described["datatype"], "data": data}
