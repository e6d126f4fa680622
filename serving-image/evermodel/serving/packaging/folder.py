"""A folder that appears whole or not at all."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from evermodel.errors import RunError, SpecError

MARK = Path("conf", "setting.toml")
"""The file by which an application is known."""
KEPT = (Path("logs"), Path("conf", "keys"), Path("conf", "tls"))
"""What belongs to whoever runs the application, and stays when it is written again."""


@contextmanager
def whole_folder(out: Path, *, force: bool) -> Iterator[Path]:
    """A folder beside `out` to write into; it takes the place of `out` when the block has ended well.

    An empty folder is taken as none. With `force` an application that is there is replaced, all but `KEPT`.

    Raises:
        SpecError: `OutputTaken`.
        RunError: `OutputUnwritable`.
    """
    out = out.absolute()
    try:
        _check_free(out, force=force)
        out.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}."))
        try:
            made.chmod(0o755)
            yield made
            _exchange(made, out)
        finally:
            shutil.rmtree(made, ignore_errors=True)
    except OSError as error:
        sentence = f"{out} cannot be written: {error.strerror or error}; name another folder with --out"
        raise RunError("OutputUnwritable", sentence) from error


def _check_free(out: Path, *, force: bool) -> None:
    if not out.exists():
        return
    if not out.is_dir():
        raise SpecError("OutputTaken", f"{out} is no folder; name another one with --out")
    if not any(out.iterdir()):
        return
    if not force:
        raise SpecError("OutputTaken", f"{out} is not empty; name another folder, or write over it with --force")
    if not (out / MARK).is_file():
        text = f"{out} holds something other than an application (no {MARK}) and is left alone; name another folder"
        raise SpecError("OutputTaken", text)


def _exchange(made: Path, out: Path) -> None:
    if not out.exists() or not any(out.iterdir()):
        made.replace(out)  # a folder takes the place of an empty one
        return
    old = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}.old."))
    out.replace(old)
    try:
        made.replace(out)
    except OSError:
        old.replace(out)
        raise
    for kept in KEPT:
        if (old / kept).exists():
            shutil.rmtree(out / kept, ignore_errors=True)
            os.replace(old / kept, out / kept)  # noqa: PTH105  as above, of a folder inside
    shutil.rmtree(old)
