"""How many processes follow from what a container was given."""

import pytest

from evermodel.serving import cores
from evermodel.serving.cores import processes_for_limits


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, 1),
        ({"cpu.max": "max 100000", "memory.max": "max"}, 1),
        ({"cpu.max": "50000 100000", "memory.max": "max"}, 1),
        ({"cpu.max": "399999 100000", "memory.max": "max"}, 3),
        ({"cpu.max": "400000 100000", "memory.max": str(2**30)}, 4),
        ({"cpu.max": "400000 100000", "memory.max": str(600 * 2**20)}, 2),
        ({"cpu.max": "400000 100000", "memory.max": str(100 * 2**20)}, 1),
        ({"cpu.max": "9900000 100000", "memory.max": "max"}, 6),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, 1),
        ({"cpu/cpu.cfs_quota_us": "200000", "cpu/cpu.cfs_period_us": "100000"}, 2),
        (
            {
                "cpu/cpu.cfs_quota_us": "400000",
                "cpu/cpu.cfs_period_us": "100000",
                "memory/memory.limit_in_bytes": str(2**29),
            },
            2,
        ),
    ],
)
def test_processes_follow_from_the_limits(tmp_path, monkeypatch, files, expected):
    monkeypatch.setattr(cores, "available_cores", lambda: 6)
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content + "\n")
    assert processes_for_limits(tmp_path) == expected
