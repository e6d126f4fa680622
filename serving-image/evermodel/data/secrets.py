"""Secrets as files: the only way credentials reach a run."""

from pathlib import Path

from evermodel.errors import SpecError
from evermodel_api.base import SecretKey


def read_secret(directory: Path, reference: SecretKey) -> str:
    """The text of a Secret's key, from `<directory>/<secret>/<key>`, without the newline at its end.

    Raises:
        SpecError: `SecretKeyMissing` naming the Secret, the key and the remedy.
    """
    path = directory / reference.name / reference.key
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        text = ""
    if text:
        return text
    there = _keys(path.parent)
    having = f"it has {there}" if there else "no such Secret, or no key of it, is mounted"
    raise SpecError(
        "SecretKeyMissing",
        f"the Secret {reference.name!r} has no value under the key {reference.key!r} ({having}); correct secretRef, "
        f"or run: kubectl create secret generic {reference.name} --from-literal={reference.key}=VALUE",
    )


def _keys(directory: Path) -> str:
    try:
        return ", ".join(sorted(entry.name for entry in directory.iterdir() if not entry.name.startswith(".")))
    except OSError:
        return ""
