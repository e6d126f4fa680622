"""The page of the data report: whole, the same each time, and safe whatever columns are called."""

from html.parser import HTMLParser
from typing import get_args

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_diabetes, load_wine

from evermodel.data.eda import explore
from evermodel.data.eda_document import Eda, Flag, Topic
from evermodel.data.eda_page import TITLES, eda_page, flag_boxes
from evermodel_api.training import Task

HOSTILE = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror='alert(2)'>",
    "</td></table></style></script><svg onload=alert(3)>",
    "javascript:alert(4)",
    "\u202eturned\x00",
]

ALLOWED = frozenset(
    "html head meta link title style body main header h1 h2 h3 p div span section nav a dl dt dd table thead tbody tr "  # noqa: SIM905  reads better
    "th td svg path rect line circle polyline text figure figcaption ul li bdi strong input details summary script i".split()
)


class Page(HTMLParser):
    """The elements of a page, and its words."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.open: list[str] = []
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta", "link", "input"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data


def report(frame: pd.DataFrame, target: str = "target", task: Task = Task.CLASSIFICATION, **bounds: float) -> Eda:
    limits = {"budget_seconds": 600.0, "max_cells": 10**9, **bounds}
    return explore(frame, target, task, **limits)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def wine() -> Eda:
    return report(load_wine(as_frame=True).frame)


def test_every_column_has_a_row_and_a_part_of_its_own(wine):
    page = Page(eda_page(wine, "Wine"))
    links = [attributes["href"] for tag, attributes in page.tags if tag == "a"]
    anchors = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    assert all(link is not None and link[1:] in anchors for link in links)
    assert sum(link is not None and link.startswith("#column-") for link in links) == len(wine.columns) == 13
    assert page.open == []
    assert all(column.name in page.words for column in wine.columns)


def test_a_regression_shows_the_mean_of_its_target():
    eda = report(load_diabetes(as_frame=True).frame, task=Task.REGRESSION)
    assert "Mean of target in each bin" in Page(eda_page(eda)).words


def test_the_same_report_gives_the_same_bytes(wine):
    assert eda_page(wine) == eda_page(wine)
    read_again = Eda.model_validate(wine.dump())
    assert eda_page(read_again) == eda_page(wine)


def test_hostile_names_and_levels_stay_words():
    # given names and levels that try to leave their place
    generator = np.random.default_rng(0)
    frame = pd.DataFrame({name: generator.choice(HOSTILE[:4], 60) for name in HOSTILE})
    frame["more"] = generator.normal(size=60)
    target = "<b onclick=alert(5)>y</b>"
    frame[target] = generator.choice(["<i>ill</i>", "well"], 60)
    # when the page is made
    markup = eda_page(report(frame, target), "<u>Title</u>")
    page = Page(markup)
    # then no element or attribute is theirs, and the words are there
    assert {tag for tag, _ in page.tags} <= ALLOWED
    assert sum(tag == "script" for tag, _ in page.tags) == 1
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on") or name == "style"]
    hrefs = [attributes["href"] for tag, attributes in page.tags if tag == "a"]
    assert all(href is not None and href.startswith("#") for href in hrefs)
    assert all(words in page.words for words in HOSTILE[:4])
    assert "<i>ill</i>" in page.words
    assert markup.encode()


def test_a_report_that_ran_out_of_time_says_so(wine):
    frame = load_wine(as_frame=True).frame
    words = Page(eda_page(report(frame, budget_seconds=0.0))).words
    assert "The time for this report was over before it was whole" in words
    assert "13 columns were only counted" in words
    assert "Not looked for: the time was over before." in words
    assert "The time for this report" not in Page(eda_page(wine)).words


def test_a_sample_is_told():
    frame = pd.DataFrame({"a": np.arange(3000.0) ** 0.5, "y": np.arange(3000) % 2})
    words = Page(eda_page(report(frame, "y", max_cells=10))).words
    assert "all 3,000 rows; quantiles, pictures and relations of an even choice of 1,000 of them" in words


def test_every_topic_has_a_title():
    assert set(TITLES) == set(get_args(Topic))


def test_many_flags_of_one_kind_are_one_box():
    flags = [
        Flag(topic="Constant", severity="medium", columns=(f"c{i}",), sentence="is flat", remedy="Drop it.")
        for i in range(20)
    ]
    boxes = flag_boxes(flags)
    assert len(boxes) == 1
    page = Page(str(boxes[0]))
    assert page.words.count("Drop it.") == 1
    assert page.words.count("is flat") == 20
    assert "12 more" in page.words
    assert "Nothing stood out" in str(flag_boxes([])[0])
