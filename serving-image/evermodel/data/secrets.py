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
    if text := _text(path):
        return text
    there = ", ".join(_keys(path.parent))
    having = f"it has {there}" if there else "no such Secret, or no key of it, is mounted"
    raise SpecError(
        "SecretKeyMissing",
        f"the Secret {reference.name!r} has no value under the key {reference.key!r} ({having}); correct secretRef, "
        f"or run: kubectl create secret generic {reference.name} --from-literal={reference.key}=VALUE",
    )


def read_secret_keys(directory: Path, name: str) -> dict[str, str]:
    """All keys of a Secret with their texts, from `<directory>/<secret>/`, without the newlines at their ends.

    Raises:
        SpecError: `SecretKeyMissing` when the Secret is not there, or holds nothing, or something that is no text.
    """
    keys = _keys(directory / name)
    texts = {key: _text(directory / name / key) for key in keys}
    if not texts:
        raise SpecError(
            "SecretKeyMissing",
            f"the Secret {name!r} has no keys, or is not mounted; correct secretRef, "
            f"or run: kubectl create secret generic {name} --from-literal=KEY=VALUE",
        )
    if empty := [key for key, text in texts.items() if not text]:
        raise SpecError(
            "SecretKeyMissing",
            f"the Secret {name!r} has no text under the key {empty[0]!r}; give it a value or remove the key",
        )
    return texts


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _keys(directory: Path) -> list[str]:
    """Names of a Secret's keys. Kubernetes keeps folders of its own beside them, whose names begin with two dots."""
    try:
        return sorted(
            entry.name for entry in directory.iterdir() if not entry.name.startswith("..") and entry.is_file()
        )
    except OSError:
        return []
