"""Compiled models with changed bytes and lying headers: refused or answered, in bounded time, with no read outside.

`EVERMODEL_DAMAGED_CASES` says how many; `python -m tests.fuzz.models` does the same apart from the tests.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from evermodel.compiled.build import FLAGS, SOURCE, source_digest

CASES = os.environ.get("EVERMODEL_DAMAGED_CASES", "1000")
SANITIZERS = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-g", "-O1")


def attack(*arguments: str, environment: dict[str, str] | None = None) -> str:
    """What came of it; the process apart may crash, and that is seen."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.models", "--cases", CASES, *arguments],
        env=os.environ | (environment or {}),
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        timeout=max(240, int(CASES) / 10),
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def originals(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("originals")


def test_no_damaged_model_crashes_or_answers_without_a_reason(originals):
    found = attack("--originals", str(originals), "--seed", "1")
    assert "'refused': " in found
    assert "'answered': " in found


def sanitized(folder: Path) -> tuple[Path, str]:
    """The kernel as its sanitizers want it, and the library that has to be loaded before everything."""
    compiler = shutil.which("gcc")
    if compiler is None:
        pytest.skip("there is no gcc: the kernel cannot be compiled with sanitizers")
    target = folder / "kernel.so"
    define = f'-DSOURCE="{source_digest()}"'
    made = subprocess.run(
        [compiler, *FLAGS, *SANITIZERS, define, "-o", str(target), str(SOURCE), "-lm"], capture_output=True, check=False
    )
    library = subprocess.run([compiler, "-print-file-name=libasan.so"], capture_output=True, text=True, check=True)
    if made.returncode != 0 or not Path(library.stdout.strip()).is_absolute():
        pytest.skip("gcc has no sanitizers here")
    return target, library.stdout.strip()


def test_the_kernel_never_reads_outside_of_a_damaged_model(originals, tmp_path):
    # given the kernel, compiled so that it ends at the first read outside of an array and at undefined arithmetic
    kernel, library = sanitized(tmp_path)
    options = {"LD_PRELOAD": library, "ASAN_OPTIONS": "detect_leaks=0", "UBSAN_OPTIONS": "halt_on_error=1"}
    # when damaged models are asked
    found = attack("--kernel", str(kernel), "--originals", str(originals), "--seed", "2", environment=options)
    # then it has answered those that are sound
    assert "'answered': " in found
