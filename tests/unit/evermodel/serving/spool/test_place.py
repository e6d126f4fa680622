"""Where a spool lies."""

import os
import tempfile

import pytest

from evermodel.errors import SpecError
from evermodel.serving.spool.place import SpoolOptions, spool_root


def test_the_next_server_with_the_same_store_finds_it(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    first = spool_root(None, "file:///a")
    assert first == spool_root(None, "file:///a") != spool_root(None, "file:///b")
    assert first.parent == tmp_path / f"evermodel-{os.getuid()}"
    assert first.parent.stat().st_mode & 0o777 == 0o700


def test_a_link_that_somebody_else_put_there_is_not_followed(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / f"evermodel-{os.getuid()}").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SpecError, match="it is no folder"):
        spool_root(None, "file:///a")


def test_what_is_no_folder_is_refused_with_what_to_do(tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(SpecError, match="give --spool another folder") as caught:
            spool_root(path, "file:///a")
        assert caught.value.reason == "SpoolUnavailable"


def test_a_folder_that_was_named_goes_before_the_pods_own(tmp_path):
    assert SpoolOptions().or_directory(tmp_path).directory == tmp_path
    assert SpoolOptions().or_directory(tmp_path / "none").directory is None
    assert SpoolOptions(tmp_path / "mine").or_directory(tmp_path).directory == tmp_path / "mine"
