"""Modules that a run needs later are imported while it waits for other things: some take longer than a small fit."""

import importlib
from collections.abc import Iterator

from evermodel.training.libraries import MODULES
from evermodel_api.training import TrainingSpec

_ALWAYS = ("evermodel.artifact.skops_file", "evermodel.compiled.compile")


def import_ahead(spec: TrainingSpec) -> None:
    """Import what the fit and the model's file take. What cannot be imported is told by those who need it."""
    for module in dict.fromkeys(_modules(spec)):
        try:
            importlib.import_module(module)
        except ImportError:
            continue


def _modules(spec: TrainingSpec) -> Iterator[str]:
    steps = [step for branch in spec.pipeline.columns for step in branch.steps]
    for step in [*steps, spec.pipeline.select or {}]:
        yield from (MODULES[name] for name in step if name in MODULES)
    yield from (MODULES[each.estimator] for each in spec.algorithms if each.estimator in MODULES)
    yield from _ALWAYS
