"""Nothing that comes from data can leave the place it is put in."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evermodel.page import Html, element, facts, join, name, page, section, sorted_by, table, text


class _Reader(HTMLParser):
    """What a browser would see: elements with attributes, and text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data


def read(markup: str) -> _Reader:
    reader = _Reader()
    reader.feed(markup)
    reader.close()
    return reader


@given(st.text())
def test_any_text_is_shown_as_it_is_and_makes_no_element(words):
    seen = read(element("p", words, title=words))
    assert [tag for tag, _ in seen.tags] == ["p"]
    fit = re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]", "\ufffd", words)
    assert seen.words == fit
    assert seen.tags[0][1]["title"] == fit


@given(st.text(alphabet=st.characters(), max_size=20))
def test_any_text_can_be_written_as_utf_8(words):
    assert text(words).encode().decode() == text(words)


def test_markup_is_taken_as_it_is_and_text_is_not():
    inner = element("b", "<i>")
    assert element("p", inner, "<i>") == "<p><b>&lt;i&gt;</b>&lt;i&gt;</p>"
    assert isinstance(join([inner, " & "]), Html)
    assert join([inner, None, 3]) == "<b>&lt;i&gt;</b>3"


def test_text_made_of_markup_is_text_again():
    # given markup that somebody changed as a string
    changed = element("b", "x").replace("b", "script")
    # then it has lost its right to be markup
    assert not isinstance(changed, Html)
    assert "<script>" not in element("p", changed)


def test_attributes_are_left_out_where_there_is_nothing_to_say():
    assert element("td", "x", class_=None, hidden=False, data_sort="1") == '<td data-sort="1">x</td>'
    assert element("details", open=True) == "<details open></details>"


def test_a_long_name_may_be_broken_and_a_short_one_not():
    assert 'class="name"' in name("age")
    assert 'class="name long"' in name("a" * 80)


def test_a_table_sorts_by_the_key_and_shows_the_words():
    whole = table(("A", "B"), [(sorted_by(0.5, "50 %"), "<x>")], numbers=(0,), anchor="t")
    assert '<td class="num" data-sort="0.5">50 %</td><td>&lt;x&gt;</td>' in whole
    assert '<table id="t">' in whole


def test_a_row_that_does_not_fit_its_head_is_a_mistake():
    with pytest.raises(ValueError, match=r"shorter|longer"):
        table(("A", "B"), [("only one",)])


def test_a_page_allows_its_own_style_and_script_and_nothing_else():
    seen = read(page("T <title>", section("S", facts([("n", "1")]), anchor="s")))
    policy = next(tag[1]["content"] for tag in seen.tags if "http-equiv" in tag[1])
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert not [tag for tag, attributes in seen.tags if attributes.get("src") or "style" in attributes]
    assert "T <title>" in seen.words
