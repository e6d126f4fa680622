"""Digests of rows by their whole content: independent of the order of rows, of the machine and of the run."""

import json
from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evermodel.data.columns import Column

_BLOCK_ROWS = 65_536


def row_hashes(columns: Sequence[Column]) -> NDArray[np.bytes_]:
    """sha256 of each row's content, shape (rows,), dtype S32.

    Numbers count by their eight bytes, categories by the sha256 of their text; columns in the order of their names.
    """
    ordered = sorted(columns, key=lambda column: column.name)
    encoders = [_encode_numbers if column.kind == "number" else _encode_categories for column in ordered]
    blocks = [encode(column.cells) for encode, column in zip(encoders, ordered, strict=True)]
    rows = len(ordered[0].cells)
    hashes = np.empty(rows, dtype="S32")
    for start in range(0, rows, _BLOCK_ROWS):
        joined = np.hstack([block[start : start + _BLOCK_ROWS] for block in blocks])
        hashes[start : start + len(joined)] = [sha256(row).digest() for row in np.ascontiguousarray(joined)]
    return hashes


def data_digest(columns: Sequence[Column], hashes: NDArray[np.bytes_]) -> str:
    """`sha256:<hex>` of a table: the names and kinds of its columns, in order, and its rows in any order."""
    header = json.dumps([[column.name, column.kind] for column in columns], separators=(",", ":"))
    digest = sha256(header.encode())
    digest.update(np.sort(hashes).tobytes())
    return f"sha256:{digest.hexdigest()}"


def _encode_numbers(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    canonical = np.where(np.isnan(values), np.nan, values).astype("<f8")
    return canonical.view(np.uint8).reshape(len(values), 8)


def _encode_categories(values: NDArray[Any]) -> NDArray[np.uint8]:
    codes, levels = pd.factorize(values)
    digests = [sha256(level.encode()).digest() for level in levels] + [bytes(32)]  # the last one: missing, code -1
    table = np.frombuffer(b"".join(digests), dtype=np.uint8).reshape(len(digests), 32)
    encoded: NDArray[np.uint8] = table[codes]
    return encoded
