"""Who owns which files of a spool, and how many bytes all of them have."""

import os
import shutil

import pytest

from evermodel.serving.spool import folder as module
from evermodel.serving.spool.folder import (
    Folder,
    SpoolFullError,
    adopt_folders,
    create_segment,
    create_stream_folder,
    segment_paths,
    used_bytes,
)


def stream_of(folder: Folder, name: str = "log"):
    return create_stream_folder(folder.path, name, {"kind": name})


def test_a_folder_belongs_to_one_process_at_a_time(tmp_path):
    # given a living and a dead process
    living, dead = Folder.create(tmp_path, "a"), Folder.create(tmp_path, "b")
    dead.release()
    # then the folder of the dead one is taken over by the first that comes
    (taken,) = adopt_folders(tmp_path)
    assert taken.path == dead.path
    assert adopt_folders(tmp_path) == []
    living.remove()
    taken.remove()
    assert adopt_folders(tmp_path) == []


def test_a_folder_that_is_removed_at_this_moment_keeps_nobody_from_the_others(tmp_path, monkeypatch):
    # given three folders of the dead, of which the second goes while they are looked at
    for name in ("a", "b", "c"):
        Folder.create(tmp_path, name).release()
    lock = module._lock

    def lock_late(path):
        if path.parent.name == "b":
            shutil.rmtree(path.parent)
        return lock(path)

    monkeypatch.setattr(module, "_lock", lock_late)
    # when somebody looks, then the others are taken over
    adopted = adopt_folders(tmp_path)
    assert [folder.path.name for folder in adopted] == ["a", "c"]
    for folder in adopted:
        folder.release()


def test_a_name_is_for_one_process_only(tmp_path):
    Folder.create(tmp_path, "a").release()
    with pytest.raises(FileExistsError):
        Folder.create(tmp_path, "a")


def test_no_more_bytes_than_the_limit_whoever_asks(tmp_path):
    # given two processes with one spool of 10000 bytes
    streams = [stream_of(Folder.create(tmp_path, name)) for name in ("a", "b")]
    for number in range(2):
        for stream in streams:
            create_segment(tmp_path, stream, number, 2048, 10_000)
    assert used_bytes(tmp_path) == 8192
    # when one asks for more than is left, then it gets nothing, and nothing is left of it
    with pytest.raises(SpoolFullError, match="all of its 10000 bytes"):
        create_segment(tmp_path, streams[0], 2, 2048, 10_000)
    assert used_bytes(tmp_path) == 8192
    # and what becomes free may be taken by the other
    segment_paths(streams[0])[0].unlink()
    create_segment(tmp_path, streams[1], 2, 2048, 10_000)


def test_of_two_that_take_the_last_room_at_one_moment_not_both_get_it(tmp_path, monkeypatch):
    streams = [stream_of(Folder.create(tmp_path, name)) for name in ("a", "b")]
    create = module.Segment.create

    def create_both(path, size):  # the other one has looked before this one made its own
        if path.parent.parent.name == "a":
            create(streams[1] / path.name, size)
        return create(path, size)

    monkeypatch.setattr(module.Segment, "create", create_both)
    with pytest.raises(SpoolFullError):
        create_segment(tmp_path, streams[0], 0, 2048, 3000)
    assert used_bytes(tmp_path) == 2048


def test_only_this_user_reads_what_waits(tmp_path):
    folder = Folder.create(tmp_path / "spool", "a")
    create_segment(tmp_path / "spool", stream_of(folder), 0, 2048, 10_000)
    for parent, folders, files in os.walk(tmp_path / "spool"):
        for name in (*folders, *files):
            if not name.endswith(".json"):
                assert os.stat(os.path.join(parent, name)).st_mode & 0o077 == 0  # noqa: PTH118, PTH116
