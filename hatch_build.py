"""What the wheel needs beside Python files: the kernel in C, compiled for the machine that builds it."""

import importlib.util
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_BUILD = "serving-image/evermodel/compiled/build.py"


class KernelBuildHook(BuildHookInterface[Any]):
    """Compiles the kernel. Without a compiler the wheel has none, and models of trees are served by scikit-learn."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Build the kernel next to its source, and put it into a wheel for this kind of machine.

        Args:
            version: `editable` for an installation that reads the sources where they are, else `standard`.
            build_data: what hatchling makes the wheel of.
        """
        build = _load(Path(self.root) / _BUILD)
        try:
            library = build.build()
        except build.BuildError as error:
            self.app.display_warning(f"The kernel was not built: {error}")
            return
        if version != "editable":
            build_data["force_include"][str(library)] = f"evermodel/compiled/{library.name}"
            build_data["pure_python"] = False
            build_data["tag"] = f"py3-none-{sysconfig.get_platform().replace('-', '_').replace('.', '_')}"


def _load(path: Path) -> Any:
    """The module of a file, without the package around it, which is not installed yet."""
    spec = importlib.util.spec_from_file_location("kernel_build", path)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
