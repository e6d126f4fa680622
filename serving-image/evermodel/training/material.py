"""What a run works on: its rows, cleaned and divided, and what the model takes of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from evermodel.artifact.build import column_signature
from evermodel.artifact.signature import Signature
from evermodel.data.augment import check_augment
from evermodel.data.dataset import Dataset, make_dataset
from evermodel.data.folds import cv_kind, make_folds
from evermodel.data.schema import check_rows
from evermodel.data.split import held_out_rows
from evermodel.errors import DataError
from evermodel.metrics import Floats
from evermodel.training.containers import Masks
from evermodel.training.fitting import Recipe, Rows
from evermodel.training.pipeline import Plan, plan_columns
from evermodel_api.training import CrossValidation, Task, TrainingSpec


@dataclass(frozen=True)
class Material:
    """The data of a run, divided."""

    dataset: Dataset
    plan: Plan
    recipe: Recipe
    signature: Signature
    training: Rows
    test: Rows
    held_out: NDArray[np.bool_]
    """Which rows of the dataset are the test."""
    quarantined: pd.DataFrame | None = None
    """Wrong rows, with what is wrong."""
    rows_read: int = 0
    """Rows after combine."""

    @property
    def test_raw(self) -> pd.DataFrame:
        """All columns of the test rows, as the source gave them: the champion takes its own from here."""
        return self.dataset.raw(self.held_out)

    def folds(self, spec: TrainingSpec) -> list[Masks]:
        """Training and validation rows of each fold, as masks of the training rows.

        Raises:
            DataError: `TooFewRows`.
        """
        dataset, inside = self.dataset, ~self.held_out
        strata = self.training.truth if cv_kind(spec) == "StratifiedKFold" else None
        folds = make_folds(
            cv_kind(spec),
            (spec.validation.cv or CrossValidation()).folds,
            spec.run.seed,
            hashes=self.training.dealt,
            strata=strata,
            groups=self.training.groups,
            moments=None if dataset.moments is None else dataset.moments[inside],
            classes=self.signature.classes,
        )
        if spec.task is Task.CLASSIFICATION:
            remedy = "give more rows of it, or fewer folds"
            check_classes(self.training.truth, [training for training, _ in folds], self.signature, remedy)
        return folds


def make_material(
    raw: pd.DataFrame, spec: TrainingSpec, show: Callable[[pd.DataFrame], None] | None = None
) -> Material:
    """Check, clean and divide the rows that were collected; `show` as in `make_dataset`.

    Raises:
        SpecError, DataError: as `check_rows`, `make_dataset`, `plan_columns` and `held_out_rows`; `TooFewRows`.
    """
    quarantined = None
    rows_read = len(raw)
    if spec.data.schema_ is not None:
        checked = check_rows(raw, spec.data.schema_)
        raw, quarantined = checked.right, checked.wrong
    dataset = make_dataset(raw, spec, show)
    plan = plan_columns(spec.pipeline, dataset.columns)
    held_out = held_out_rows(dataset, spec)
    check_augment(spec, plan.features)
    training, test = _rows(dataset, plan, ~held_out), _rows(dataset, plan, held_out)
    cells = training.frame
    columns = [column_signature(c.name, c.kind, c.datatype, cells[c.name]) for c in plan.features]
    signature = Signature(task=spec.task, target=spec.target, columns=columns, classes=list(dataset.target.classes))
    if spec.task is Task.CLASSIFICATION:
        remedy = "give more rows of it, or leave it out"
        check_classes(dataset.target.cells, [held_out, ~held_out], signature, remedy)
    return Material(
        dataset=dataset,
        plan=plan,
        recipe=Recipe.of(spec, plan, signature),
        signature=signature,
        training=training,
        test=test,
        held_out=held_out,
        quarantined=quarantined,
        rows_read=rows_read,
    )


def _rows(dataset: Dataset, plan: Plan, rows: NDArray[np.bool_]) -> Rows:
    groups = None if dataset.groups is None else dataset.groups[rows]
    cells, hashes, dealt = dataset.target.cells[rows], dataset.hashes[rows], dataset.dealt[rows]
    return Rows(dataset.frame(plan.features, rows), cells, hashes, dealt, groups)


def check_classes(truth: Floats, parts: Sequence[NDArray[np.bool_]], signature: Signature, remedy: str) -> None:
    """Check that every class is in every part.

    Raises:
        DataError: `TooFewRows` naming the class and the remedy.
    """
    for part in parts:
        present = set(np.unique(truth[part]).tolist())
        for number, label in enumerate(signature.classes):
            if number not in present:
                raise DataError(
                    "TooFewRows", f"the class {label!r} has too few rows to be in every part of the data; {remedy}"
                )
