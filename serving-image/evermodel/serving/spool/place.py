"""Where the spool lies: what somebody said, or a folder of this user's for this store among the temporary files.

Not beneath the store, even where the store is a folder: that may be on the disk of another machine, and a mapping of
such a file is no longer safe when this process dies.
"""

import os
import stat
import tempfile
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from evermodel.errors import SpecError

MOUNTED = "/var/lib/evermodel/spool"
"""Where a pod has its spool: an emptyDir, which lives as long as the pod."""
TOTAL_BYTES = 256 << 20
"""Of all segments of all processes with the same spool."""


@dataclass(frozen=True)
class SpoolOptions:
    """What somebody said of the spool."""

    directory: Path | None = None
    """None: nothing was said."""
    total_bytes: int = TOTAL_BYTES

    def or_directory(self, path: Path) -> "SpoolOptions":
        """The same with this folder, where none was named and it is there."""
        return replace(self, directory=path) if self.directory is None and path.is_dir() else self


WITHOUT_OPTIONS = SpoolOptions()


def spool_root(given: Path | None, store: str) -> Path:
    """The folder of the spool: the same one for the next server of this user with the same store.

    Raises:
        SpecError: `SpoolUnavailable` when it is no folder that this process may write.
    """
    if given is not None:
        return _usable(given)
    own = Path(tempfile.gettempdir()) / f"evermodel-{os.getuid()}"
    return _usable(own, private=True) / f"spool-{sha256(store.encode()).hexdigest()[:16]}"


def _usable(path: Path, *, private: bool = False) -> Path:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = path.lstat() if private else path.stat()
    except OSError as error:
        raise _refusal(path, str(error.strerror)) from error
    if not stat.S_ISDIR(found.st_mode):
        raise _refusal(path, "it is no folder")
    if private and found.st_uid != os.getuid():
        raise _refusal(path, "it belongs to another user")
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        raise _refusal(path, "it may not be written")
    return path


def _refusal(path: Path, why: str) -> SpecError:
    return SpecError("SpoolUnavailable", f"the spool {path} cannot be used: {why}; give --spool another folder")
