"""The kernel settings that the kubelet changes on the host, kept so that they can be put back."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

_SETTINGS = (
    *("vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops"),
    *("kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes"),
)
_ROOT = Path("/proc/sys")


def remember(file: Path, root: Path = _ROOT) -> None:
    """Write the present values to a file, unless an earlier start has done so."""
    if file.exists():
        return
    values = {name: (root / name).read_text().strip() for name in _SETTINGS if (root / name).exists()}
    file.write_text(json.dumps(values))


def restore(file: Path, root: Path = _ROOT) -> None:
    """Put the remembered values back, where this machine lets them be changed."""
    if not file.exists():
        return
    for name, value in json.loads(file.read_text()).items():
        with contextlib.suppress(OSError):
            if (root / name).read_text().strip() != value:
                (root / name).write_text(value)
