"""The comparison of runs in Chromium, with names that would like to be markup."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from evermodel.training.compare import compare_ledgers
from evermodel.training.compare_page import comparison_page
from tests.integration.pages.browser import PROGRAM, open_tab
from tests.integration.pages.test_pages import (
    CONTRAST,
    EMPTY_PICTURES,
    HOSTILE,
    LABELS_OUTSIDE,
    OVERLAPPING_LABELS,
)
from tests.unit.evermodel.training.past_runs import SPEC, digest, ledger_of, trial

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="Chromium is not installed (apt-get install chromium)")


def comparison() -> str:
    """Three runs: one as it is, one in which everything is different and hostile, one without a search."""
    data = {**ledger_of().data.dump(), "digest": digest("f"), "columns": {name: digest("7") for name in HOSTILE}}
    trials = [trial(n, 0.8 + n % 7 / 100, algorithm=HOSTILE[n % 4], state="Complete") for n in range(60)]
    spec = {**SPEC, "target": HOSTILE[0], "algorithms": [{"name": HOSTILE[1], "params": {"text": "y " * 400}}]}
    params = dict.fromkeys(HOSTILE, HOSTILE[2])
    ledgers = [
        ledger_of(1),
        ledger_of(2, data=data, trials=trials, spec=spec, params=params, metrics={"roc_auc": 1e-9, "log_loss": 1e9}),
        ledger_of(3, trials=[], search=None, chosen=None, phases={}),
    ]
    return comparison_page(compare_ledgers(ledgers), ledgers)


async def test_a_comparison_loads_alone_and_can_be_read(tmp_path: Path):
    file = tmp_path / "comparison.html"
    file.write_text(comparison(), encoding="utf-8")
    async with open_tab(tmp_path / "profile") as tab:
        for width, dark in ((1200, False), (1200, True), (390, False)):
            await tab.open(file.as_uri(), width=width, dark=dark)
            assert [url for url in tab.requests() if not url.startswith("data:,")] == [file.as_uri()]
            assert tab.troubles() == []
            assert await tab.run("document.documentElement.scrollWidth") <= width
            assert await tab.run(OVERLAPPING_LABELS) == []
            assert await tab.run(LABELS_OUTSIDE) == []
            assert await tab.run(EMPTY_PICTURES) == 0
            assert await tab.run(CONTRAST) >= 4.5
