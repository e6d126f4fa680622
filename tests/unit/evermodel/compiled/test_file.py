"""compiled.bin: what is written is read again, and what is damaged is refused and never runs."""

import json
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evermodel.artifact.manifest import COMPILED
from evermodel.compiled.file import MAGIC, decode, encode
from evermodel.errors import DataError
from evermodel_api.training import Task
from tests.unit.evermodel.compiled.pipelines import make

PLAIN = make(
    Task.CLASSIFICATION,
    "StackingClassifier",
    {"estimators": [{"a": {"LogisticRegression": {}}}, {"b": {"DecisionTreeClassifier": {"max_depth": 2}}}], "cv": 3},
    texts=[{"OneHotEncoder": {}}, {"TruncatedSVD": {"n_components": 3}}],
    prepare=[{"ratio": {"out": "r", "of": ["x0", "x2"]}}, {"dateParts": {"of": "when", "parts": ["week"]}}],
).forms.files[COMPILED]
HEADER = struct.unpack("<Q", PLAIN[8:16])[0]


def tried(content: bytes) -> None:
    """It is refused in one sentence, or it is a program that answers its check rows or refuses them."""
    try:
        program, check = decode(content)
    except DataError as error:
        assert error.reason == "ArtifactInvalid"
        assert "\n" not in str(error)
        return
    with np.errstate(all="ignore"):
        assert check.difference(program) >= 0.0


def test_what_is_written_is_read_again():
    program, check = decode(PLAIN)
    assert check.difference(program) <= check.tolerance
    assert encode(program, check) == PLAIN
    assert len(check.rows) == 64


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(PLAIN) - 1), st.integers(1, 255)), min_size=1, max_size=4))
def test_flipped_bytes_are_refused_or_harmless(flips):
    content = bytearray(PLAIN)
    for place, change in flips:
        content[place] ^= change
    tried(bytes(content))


@settings(max_examples=200, deadline=None)
@given(st.integers(16, 16 + HEADER - 1), st.integers(0, 255))
def test_a_changed_header_is_refused_or_harmless(place, value):
    content = bytearray(PLAIN)
    content[place] = value
    tried(bytes(content))


@settings(max_examples=100, deadline=None)
@given(st.integers(0, len(PLAIN) - 1))
def test_a_part_of_a_file_is_refused(length):
    with pytest.raises(DataError, match="cannot be read"):
        decode(PLAIN[:length])


def _leaves(value, path=()):
    yield path
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _leaves(item, (*path, key))


TREE = json.loads(PLAIN[16 : 16 + HEADER])
PATHS = [path for path in _leaves(TREE) if path]
WRONG = [None, True, -1, 0, 1, 7, 1 << 40, 1e308, "", "linear", "trees", [], [[]], {}, {"kind": "blend"}]


@settings(max_examples=500, deadline=None)
@given(st.sampled_from(PATHS), st.sampled_from(WRONG))
def test_any_other_value_in_the_header_is_refused_or_harmless(path, value):
    header = json.loads(json.dumps(TREE))
    inner = header
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    text = json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
    start = MAGIC + len(text).to_bytes(8, "little") + text
    body = PLAIN[16 + HEADER + -(16 + HEADER) % 64 :]
    tried(start + bytes(-len(start) % 64) + body)


@pytest.mark.parametrize("content", [b"", MAGIC, b"PK\x03\x04" * 10, MAGIC + b"\xff" * 8, MAGIC + bytes(8)])
def test_other_files_are_refused(content):
    with pytest.raises(DataError, match="compiled model cannot be read"):
        decode(content)


def test_a_header_that_is_deeper_than_python_can_read_is_refused():
    text = b'{"a":' * 200_000
    with pytest.raises(DataError, match="no JSON"):
        decode(MAGIC + len(text).to_bytes(8, "little") + text)
