"""The report on the data, made beside the work that a run waits for."""

from concurrent.futures import Executor, Future
from dataclasses import dataclass

import numpy as np
import pandas as pd

from evermodel.data.dataset import Dataset
from evermodel.data.eda import explore
from evermodel.data.eda_document import Eda
from evermodel.data.eda_page import eda_page
from evermodel_api.training import TrainingSpec

SECONDS = 10.0
"""The report stops looking closer after this."""
ORDERED_ROWS = 100_000
"""Up to so many rows it looks at them in the order of their content, which no source decides."""
CELLS = 2_000_000
"""It looks at so many cells; a sample of the rows when there are more."""


@dataclass(frozen=True)
class Explored:
    """What was found in the rows."""

    eda: Eda
    page: bytes


class Exploring:
    """Looks at the rows of a large table while they are divided, and at those of a small one once they are ordered.

    A large table is not copied to bring it into an order.

    Args:
        spec: of the run.
        beside: who works beside it; None to look at nothing before `explored` is asked for.
    """

    def __init__(self, spec: TrainingSpec, beside: Executor | None) -> None:
        self._spec = spec
        self._beside = beside
        self._begun: Future[Explored] | None = None

    def begin(self, cleaned: pd.DataFrame) -> None:
        """The rows are cleaned. They must not change until `explored` has answered."""
        if self._beside is not None and len(cleaned) > ORDERED_ROWS:
            self._begun = self._beside.submit(self._explore, cleaned)

    def explored(self, dataset: Dataset) -> Explored:
        """What was found; waits for it."""
        if self._begun is not None:
            return self._begun.result()
        large = len(dataset) > ORDERED_ROWS
        return self._explore(dataset.cleaned if large else dataset.raw(np.arange(len(dataset))))

    def _explore(self, rows: pd.DataFrame) -> Explored:
        eda = explore(rows, self._spec.target, self._spec.task, budget_seconds=SECONDS, max_cells=CELLS)
        return Explored(eda, eda_page(eda).encode())
