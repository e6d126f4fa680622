"""When a version's data was taken is told where its store knows it, and is no error where not."""

import pytest

from evermodel.artifact.records import data_as_of


@pytest.mark.parametrize(
    ("version", "content", "told"),
    [
        ("heart-4", '{"asOf": "2026-11-28T20:55:22.316636+00:00"}', "2026-11-28T20:55:22+00:00"),
        ("heart-4", '{"asOf": "2026-11-28T22:55:22+02:00"}', "2026-11-28T20:55:22+00:00"),
        ("heart-4", "{}", None),
        ("heart-4", "[]", None),
        ("heart-4", "no JSON", None),
        ("heart-4", None, None),
        ("no_version", None, None),
    ],
)
def test_the_moment_of_the_data(tmp_path, version, content, told):
    if content is not None:
        (tmp_path / "runs" / "heart" / "4").mkdir(parents=True)
        (tmp_path / "runs" / "heart" / "4" / "order.json").write_text(content)
    assert data_as_of(str(tmp_path), version) == told


def test_a_store_that_cannot_be_used_is_no_error_here():
    assert data_as_of("nosuchscheme://store", "heart-4") is None
