"""The data report and the model card in Chromium: nothing fetched, nothing wrong, nothing in the way of anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes

from evermodel.data.eda import explore
from evermodel.data.eda_page import eda_page
from evermodel.training.card import card_page
from evermodel_api.training import Task
from tests.integration.pages.browser import PROGRAM, Tab, open_tab
from tests.unit.evermodel.training.ledgers import least_ledger, whole_ledger

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from evermodel.data.eda_document import Eda

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="Chromium is not installed (apt-get install chromium)")

HOSTILE = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror='alert(2)'>",
    "</script><svg onload=alert(3)>",
    "x" * 300,
]
OVERLAPPING_LABELS = """
[...document.querySelectorAll("svg")].flatMap((svg) => {
  const boxes = [...svg.querySelectorAll("text")].map((label) => [label.textContent, label.getBoundingClientRect()]);
  const apart = (a, b) => a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top;
  return boxes.flatMap(([words, a], i) =>
    boxes.slice(i + 1).filter(([, b]) => a.width && b.width && !apart(a, b)).map(([other]) => words + " | " + other));
})
"""
LABELS_OUTSIDE = """
[...document.querySelectorAll("svg")].flatMap((svg) => {
  const frame = svg.getBoundingClientRect();
  return [...svg.querySelectorAll("text")].filter((label) => {
    const box = label.getBoundingClientRect();
    return box.width && (box.left < frame.left - 1 || box.right > frame.right + 1 || box.bottom > frame.bottom + 2);
  }).map((label) => label.textContent);
})
"""
EMPTY_PICTURES = """
[...document.querySelectorAll("svg")].filter((svg) => !svg.querySelector("path, rect, circle, polyline")).length
"""
CONTRAST = """
(() => {
  const light = (colour) => {
    const [r, g, b] = colour.match(/[\\d.]+/g).slice(0, 3).map(Number)
      .map((v) => v / 255).map((v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const back = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const colour = getComputedStyle(one).backgroundColor;
      if (colour !== "rgba(0, 0, 0, 0)") return colour;
    }
    return "rgb(255, 255, 255)";
  };
  const words = [...document.querySelectorAll("h1, h2, p, td, th, dt, dd, a, .hint, .chip, .name, summary, li")];
  return Math.min(...words.map((element) => {
    const [a, b] = [light(getComputedStyle(element).color), light(back(element))].sort((x, y) => y - x);
    return (a + 0.05) / (b + 0.05);
  }));
})()
"""


def report(frame: pd.DataFrame, target: str, task: Task = Task.CLASSIFICATION) -> Eda:
    return explore(frame, target, task, budget_seconds=600, max_cells=10**8)


def hostile_frame() -> pd.DataFrame:
    generator = np.random.default_rng(0)
    frame = pd.DataFrame({name: generator.choice(HOSTILE, 80) for name in HOSTILE})
    frame["at"] = pd.date_range("2024-01-01", periods=80, freq="D")
    frame["far"] = np.exp(generator.normal(size=80) * 9)
    return frame.assign(y=generator.choice(["<b>ill</b>", "well"], 80))


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    cancer = report(load_breast_cancer(as_frame=True).frame, "target")
    generator = np.random.default_rng(1)
    wide = pd.DataFrame(generator.normal(size=(300, 1000)), columns=[f"c{i}" for i in range(1000)])
    made = {
        "cancer": eda_page(cancer),
        "diabetes": eda_page(report(load_diabetes(as_frame=True).frame, "target", Task.REGRESSION)),
        "hostile": eda_page(report(hostile_frame(), "y"), HOSTILE[0]),
        "wide": eda_page(report(wide.assign(y=generator.integers(0, 2, 300)), "y")),
        "card": card_page(whole_ledger(message=HOSTILE[0], target=HOSTILE[1]), cancer),
        "least": card_page(least_ledger(metrics={"rmse": 3.0}), None),
    }
    folder = tmp_path_factory.mktemp("pages")
    files = {name: folder / f"{name}.html" for name in made}
    for name, file in files.items():
        file.write_text(made[name], encoding="utf-8")
    return files


@pytest.fixture
async def tab(tmp_path: Path) -> AsyncIterator[Tab]:
    async with open_tab(tmp_path / "profile") as opened:
        yield opened


async def test_pages_load_alone_and_without_trouble(tab: Tab, pages: dict[str, Path]):
    for name, file in pages.items():
        await tab.open(file.as_uri())
        assert await tab.run("document.readyState") == "complete"
        # then the page itself is all that was asked for, and nothing was refused, thrown or opened
        asked = [url for url in tab.requests() if not url.startswith("data:,")]
        assert asked == [file.as_uri()], name
        assert tab.troubles() == [], name


async def test_trouble_would_be_seen(tab: Tab, tmp_path: Path):
    # given a page that does what ours must not
    file = tmp_path / "bad.html"
    file.write_text(
        '<meta charset="utf-8"><img src="x.png"><p style="color: #999">pale</p><div style="width: 3000px">wide</div>'
        '<svg width="90" height="30"><text x="5" y="20">one</text><text x="9" y="20">two</text>'
        '<text x="80" y="20">beyond the frame</text></svg>'
        '<script>alert(1); console.error("no"); throw 1;</script>'
    )
    # A real box would stop the page until somebody answers.
    await tab.call("Page.addScriptToEvaluateOnNewDocument", source="window.alert = (words) => console.log(words)")
    await tab.open(file.as_uri())
    assert any("x.png" in url for url in tab.requests())
    assert len(tab.troubles()) >= 3
    assert await tab.run("document.documentElement.scrollWidth") > 1200
    assert await tab.run(OVERLAPPING_LABELS) == ["one | two"]
    assert await tab.run(LABELS_OUTSIDE) == ["beyond the frame"]
    assert await tab.run(EMPTY_PICTURES) == 1
    assert await tab.run(CONTRAST) < 3


@pytest.mark.parametrize(("width", "dark"), [(1200, False), (1200, True), (390, False)])
async def test_pages_can_be_read(tab: Tab, pages: dict[str, Path], width: int, dark: bool):
    for name in ("cancer", "diabetes", "hostile", "card", "least"):
        await tab.open(pages[name].as_uri(), width=width, dark=dark)
        await tab.run("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        assert await tab.run("document.documentElement.scrollWidth") <= width, name
        assert await tab.run(OVERLAPPING_LABELS) == [], name
        assert await tab.run(LABELS_OUTSIDE) == [], name
        assert await tab.run(EMPTY_PICTURES) == 0, name
        # WCAG's least contrast for text
        assert await tab.run(CONTRAST) >= 4.5, name


async def test_a_thousand_columns_are_sorted_and_filtered_at_once(tab: Tab, pages: dict[str, Path]):
    await tab.open(pages["wide"].as_uri())
    rows = "[...document.querySelectorAll('#columns-table tbody tr')]"
    names = f"{rows}.filter((row) => !row.hidden).map((row) => row.cells[0].textContent)"
    assert await tab.run(f"{rows}.length") == 1000
    strengths = f"{rows}.map((row) => Number(row.cells[7].dataset.sort))"
    # given the order of the page: what says most of the target first
    assert await tab.run(f"{strengths}.every((v, i, all) => !i || v <= all[i - 1])")
    # when somebody sorts by name, and sorts again
    await tab.run("document.querySelector('#columns-table th').click()")
    assert (await tab.run(names))[:3] == ["c0", "c1", "c10"]
    await tab.run("document.querySelector('#columns-table th').click()")
    assert (await tab.run(names))[0] == "c999"
    # and filters
    took = await tab.run(
        "(() => { const began = performance.now(); const field = document.querySelector('[data-filters=columns-table]');"
        "field.value = 'C77'; field.dispatchEvent(new Event('input')); return performance.now() - began; })()"
    )
    assert (await tab.run(names)) == [
        "c779",
        "c778",
        "c777",
        "c776",
        "c775",
        "c774",
        "c773",
        "c772",
        "c771",
        "c770",
        "c77",
    ]
    assert await tab.run("document.querySelector('[data-count=columns-table]').textContent") == "11 of 1000"
    assert took < 500


async def test_a_link_opens_the_part_it_leads_to(tab: Tab, pages: dict[str, Path]):
    await tab.open(pages["cancer"].as_uri())
    assert await tab.run("document.querySelectorAll('details.column[open]').length") == 0
    await tab.run("document.querySelector('a[href=\"#column-3\"]').click()")
    opened = "[...document.querySelectorAll('details.column[open]')].map((one) => one.querySelector('bdi').textContent)"
    assert await tab.run(opened) == ["mean area"]


async def test_pages_say_everything_without_scripts(tab: Tab, pages: dict[str, Path]):
    await tab.call("Emulation.setScriptExecutionDisabled", value=True)
    await tab.open(pages["cancer"].as_uri())
    assert await tab.run("document.querySelectorAll('#columns-table tbody tr').length") == 30
    assert await tab.run("document.querySelector('.filter').hidden") is True
