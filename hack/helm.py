"""The chart, and Helm as a function of its arguments."""

from __future__ import annotations

import subprocess
from pathlib import Path

import yaml

RELEASE = "evermodel"
NAMESPACE = "evermodel-system"
CHART = Path(__file__).resolve().parent.parent / "charts" / "evermodel"


class HelmError(Exception):
    """Helm said no; the message is what it said."""


def run_helm(helm: Path, *arguments: str) -> str:
    """What Helm prints.

    Raises:
        HelmError: it failed.

    """
    result = subprocess.run([str(helm), *arguments], check=False, capture_output=True, text=True, timeout=300)
    if result.returncode != 0:
        raise HelmError(result.stderr.strip() or result.stdout.strip())
    return result.stdout


def render(helm: Path, *arguments: str) -> list[dict[str, object]]:
    """The objects that the chart makes, in the order in which they are applied; `arguments` such as --set.

    Raises:
        HelmError: the chart or a value is wrong.

    """
    text = run_helm(helm, "template", RELEASE, str(CHART), "--namespace", NAMESPACE, "--skip-tests", *arguments)
    return [document for document in yaml.safe_load_all(text) if document]
