"""Whether a child already is as its manifest wants it."""

from __future__ import annotations

from typing import Any

import pytest

from evermodel_operator.cluster.sameness import contains, digest_of


@pytest.mark.parametrize(
    ("actual", "wanted"),
    [
        ({"a": 1, "added": 2}, {"a": 1}),
        ({"a": {"b": 1, "default": True}}, {"a": {"b": 1}}),
        ({}, {"volumes": [], "emptyDir": {}, "value": "", "readOnly": False}),
        ({"c": [{"name": "x", "image": "i", "added": 1}]}, {"c": [{"name": "x", "image": "i"}]}),
        ({"c": [{"name": "injected"}, {"name": "x", "v": 1}]}, {"c": [{"name": "x", "v": 1}]}),
        ({"ports": [{"port": 80, "protocol": "TCP"}]}, {"ports": [{"port": 80}]}),
        ({"args": ["a", "b"]}, {"args": ["a", "b"]}),
    ],
)
def test_what_was_added_or_left_out_because_empty_does_not_matter(actual: Any, wanted: Any):
    assert contains(actual, wanted)


@pytest.mark.parametrize(
    ("actual", "wanted"),
    [
        ({"a": 2}, {"a": 1}),
        ({}, {"a": 1}),
        ({"a": True}, {"a": False}),
        ({"c": [{"name": "x", "image": "other"}]}, {"c": [{"name": "x", "image": "i"}]}),
        ({"c": [{"name": "y"}]}, {"c": [{"name": "x"}]}),
        ({"args": ["b", "a"]}, {"args": ["a", "b"]}),
        ({"args": ["a"]}, {"args": ["a", "b"]}),
        ({"a": "text"}, {"a": {"b": 1}}),
        ({"a": "text"}, {"a": ["b"]}),
    ],
)
def test_what_differs_matters(actual: Any, wanted: Any):
    assert not contains(actual, wanted)


def test_the_digest_follows_the_content_and_not_its_order():
    assert digest_of({"a": 1, "b": [1, 2]}) == digest_of({"b": [1, 2], "a": 1})
    assert digest_of({"a": 1, "b": [1, 2]}) != digest_of({"a": 1, "b": [2, 1]})
