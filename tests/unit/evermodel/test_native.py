"""What native libraries find in the environment."""

import os
import subprocess
import sys

import pytest

from evermodel.native import has_avx2, settle


@pytest.mark.parametrize(
    ("machine", "text", "expected"),
    [
        ("x86_64", "processor : 0\nflags\t\t: fpu sse avx2 fma\n", True),
        ("x86_64", "flags : fpu sse avx\n", False),
        ("aarch64", "flags : avx2 fma\n", False),
        ("x86_64", "", False),
    ],
)
def test_only_a_processor_that_can_is_told_to(tmp_path, machine, text, expected):
    (tmp_path / "cpuinfo").write_text(text)
    assert has_avx2(machine, tmp_path / "cpuinfo") is expected
    assert not has_avx2("x86_64", tmp_path / "nothing")


def test_what_the_environment_says_comes_first(monkeypatch):
    monkeypatch.setenv("OMP_WAIT_POLICY", "active")
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Zen")
    settle()
    assert (os.environ["OMP_WAIT_POLICY"], os.environ["OPENBLAS_CORETYPE"]) == ("active", "Zen")


@pytest.mark.skipif(not has_avx2(), reason="this processor has no AVX2, or is no x86")
def test_the_command_computes_with_one_kernel_on_every_machine():
    code = (
        "import evermodel.cli, numpy, threadpoolctl\n"
        "print({i.get('architecture') for i in threadpoolctl.threadpool_info() if i['internal_api'] == 'openblas'})"
    )
    environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_CORETYPE"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "{'Haswell'}"
