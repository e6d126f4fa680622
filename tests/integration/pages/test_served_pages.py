"""The pages of a real server in Chromium: filled, sent and read as a person does it, with and without an API key."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder

from tests.integration.pages.browser import PROGRAM, Tab, open_tab
from tests.integration.pages.test_pages import CONTRAST, HOSTILE
from tests.unit.evermodel.serving.conftest import make_line, make_model, make_patients
from tests.unit.evermodel.serving.test_process import Server, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="Chromium is not installed (apt-get install chromium)")

KEY = "a-key-of-the-ward"
UNLABELLED = """
[...document.querySelectorAll("input, select, button, output, nav, form, section")].filter((one) => {
  const named = one.labels && one.labels.length ? one.labels[0].textContent : one.getAttribute("aria-label");
  const pointed = document.getElementById(one.getAttribute("aria-labelledby"));
  const live = one.tagName === "OUTPUT" && one.getAttribute("aria-live") === "polite";
  return !((named || "").trim() || (pointed && pointed.textContent.trim()) || live || one.textContent.trim());
}).map((one) => one.outerHTML)
"""


def make_hostile(store: Path) -> None:
    """A model whose column, levels and target would like to be markup, and that answers nothing without its number."""
    generator = np.random.default_rng(0)
    levels = [HOSTILE[0], HOSTILE[1], HOSTILE[2]]
    frame = pd.DataFrame({"<b>x</b>": generator.normal(size=60), '"quoted" o\'x': generator.choice(levels, 60)})
    columns = ColumnTransformer(
        [("n", "passthrough", ["<b>x</b>"]), ("c", OneHotEncoder(handle_unknown="ignore"), ['"quoted" o\'x'])]
    )
    pipeline = Pipeline([("columns", columns), ("model", LinearRegression())])
    make_model(store, "hostile-1", frame, pd.Series(frame["<b>x</b>"] * 2, name="<i>y</i>"), pipeline)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("store")
    make_line(folder)
    make_patients(folder)
    make_hostile(folder)
    return folder


@pytest.fixture(scope="module")
def server(store: Path) -> Iterator[Server]:
    with serving("patients", "line", "hostile", "--store", str(store), "--port", "0", "--drain", "0") as running:
        yield running


@pytest.fixture
async def tab(tmp_path: Path) -> AsyncIterator[Tab]:
    async with open_tab(tmp_path / "profile") as opened:
        yield opened


async def until(tab: Tab, expression: str) -> Any:
    """The value of an expression, once there is one."""
    for _ in range(200):
        if found := await tab.run(expression):
            return found
        await asyncio.sleep(0.05)
    raise AssertionError(f"{expression} did not come; {tab.troubles()}")


async def press(tab: Tab, key: str) -> None:
    text = "\r" if key == "Enter" else ""
    code = {"Enter": 13, "Tab": 9, " ": 32}[key]
    for kind in ("keyDown", "keyUp"):
        await tab.call("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, text=text)


def section(name: str) -> str:
    return f"document.querySelector('section[data-model={name}]')"


def field(model: str, column: str) -> str:
    return f"{section(model)}.querySelector('[data-column={json.dumps(column)}]')".replace('\\"', '\\\\"')


async def predict(tab: Tab, model: str) -> str:
    """What the page answers when the form is sent."""
    output = f"{section(model)}.querySelector('output')"
    await tab.run(f"{output}.replaceChildren()")
    await tab.run(f"{section(model)}.querySelector('button[type=submit]').click()")
    return str(await until(tab, f"{output}.innerText"))


async def test_a_golden_row_is_answered_with_the_keyboard_alone(tab: Tab, server: Server):
    # given the page, and a person who has only a keyboard
    await tab.open(f"http://127.0.0.1:{server.port}/")
    card = json.loads(server.ask("GET", "/v2/model/patients")[2])
    await tab.run(f"{field('patients', 'age')}.querySelector('[data-value]').focus()")
    # when the form is sent as it is
    await press(tab, "Enter")
    words = await until(tab, f"{section('patients')}.querySelector('output').innerText")
    # then it shows the golden row's answer, a bar for each class, who answered, and the request
    assert card["example"]["prediction"] in words
    assert "answered by patients-1 · request " in words
    bars = await tab.run("[...document.querySelectorAll('.bars dt')].map((one) => one.textContent)")
    assert bars == ["ill", "well"]
    shares = await tab.run("[...document.querySelectorAll('.share')].map((one) => parseFloat(one.textContent))")
    assert sum(shares) == pytest.approx(100, abs=0.2)
    widths = await tab.run("[...document.querySelectorAll('.track i')].map((one) => parseFloat(one.style.width))")
    assert widths == [pytest.approx(share, abs=0.06) for share in shares]
    # and the same command, as it can be pasted
    command = await tab.run("document.querySelector('output pre').textContent")
    assert "/v1/models/patients:predict'" in command
    body = json.loads(command.partition("-d '")[2][:-1])
    assert body == {"instances": [card["example"]["row"] | {"smoker": body["instances"][0]["smoker"]}]}
    # and nothing was fetched but from the server itself
    assert {url.split("/")[2] for url in tab.requests() if url.startswith("http")} == {f"127.0.0.1:{server.port}"}
    assert tab.troubles() == []


async def test_the_line_answers_104_at_50_and_says_what_is_outside(tab: Tab, server: Server):
    await tab.open(f"http://127.0.0.1:{server.port}/")
    # when somebody types 50 where training saw 0 to 19
    await tab.run(f"{field('line', 'x')}.querySelector('input').select()")
    await tab.call("Input.insertText", text="50")
    # then the hint stands out, and the answer is 104
    assert await tab.run(f"{field('line', 'x')}.querySelector('.hint').classList.contains('outside')")
    assert (await predict(tab, "line")).splitlines()[0] == "y 104"


async def test_missing_values_levels_and_truth_are_sent_as_they_are_shown(tab: Tab, server: Server):
    await tab.open(f"http://127.0.0.1:{server.port}/")
    kinds = await tab.run(
        f"[...{section('patients')}.querySelectorAll('[data-value]')].map((one) => one.type || one.tagName)"
    )
    assert kinds == ["number", "select-one", "checkbox"]
    # given an age that is missing, a level that training has not seen, and a tick
    await tab.run(f"{field('patients', 'age')}.querySelector('[data-missing]').click()")
    await tab.run(
        f"(() => {{ const one = {field('patients', 'sex')}; one.querySelector('[data-other]').selected = true;"
        "one.querySelector('select').dispatchEvent(new Event('input', {bubbles: true}));"
        "one.querySelector('[data-typed]').value = \"it's new\"; })()"
    )
    smoker = await tab.run(f"{field('patients', 'smoker')}.querySelector('[data-value]').checked")
    await tab.run(f"{field('patients', 'smoker')}.querySelector('[data-value]').click()")
    # when it is sent, then it is answered, and that is what was sent
    assert "answered by patients-1" in await predict(tab, "patients")
    command = await tab.run(f"{section('patients')}.querySelector('output pre').textContent")
    body = json.loads(command.partition("-d '")[2][:-1].replace("'\\''", "'"))
    assert body == {"instances": [{"age": None, "sex": "it's new", "smoker": not smoker}]}


async def test_an_error_stands_at_the_field_that_it_names(tab: Tab, server: Server):
    await tab.open(f"http://127.0.0.1:{server.port}/")
    # given a column without which the model does not answer, left empty
    await tab.run(f"{section('hostile')}.querySelector('input[type=number]').value = ''")
    assert not await tab.run(
        f"{section('hostile')}.querySelector('.field [data-missing]')?.closest('.field').dataset.kind === 'number'"
    )
    # when it is sent
    words = await predict(tab, "hostile")
    # then the server's sentence is shown, stands at its field, and the field has the focus
    assert "column <b>x</b>: expected a number, got null" in words
    assert "request " in words
    wrong = f"{section('hostile')}.querySelector('[aria-invalid=true]')"
    assert await tab.run(f"document.activeElement === {wrong}")
    described = await tab.run(
        f"document.getElementById({wrong}.getAttribute('aria-describedby').split(' ')[1]).textContent"
    )
    assert described == "expected a number, got null; this model takes no missing value there"
    # and what is no number is told without asking
    await tab.run(f"{wrong}.focus()")
    await tab.call("Input.insertText", text="1e")
    await tab.run(f"{section('hostile')}.querySelector('button[type=submit]').click()")
    assert await until(tab, f"{section('hostile')}.querySelector('.wrong').textContent") == "this is no number"


async def test_examples_are_golden_rows_one_after_the_other(tab: Tab, server: Server):
    await tab.open(f"http://127.0.0.1:{server.port}/")
    examples = json.loads(await tab.run(f"{section('patients')}.querySelector('form').dataset.examples"))
    for number in range(1, 5):
        await tab.run(f"{section('patients')}.querySelector('[data-next]').click()")
        assert (await predict(tab, "patients")).splitlines()[0] == f"state {examples['answers'][number]}"


@pytest.mark.parametrize(("width", "dark"), [(1200, False), (1200, True), (360, False), (360, True)])
async def test_pages_can_be_read_by_everybody(tab: Tab, server: Server, width: int, dark: bool):
    for path in ("/", "/docs"):
        await tab.open(f"http://127.0.0.1:{server.port}{path}", width=width, dark=dark)
        await tab.run("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        if path == "/":
            await predict(tab, "patients")
        assert await tab.run("document.documentElement.scrollWidth") <= width, path
        assert await tab.run(CONTRAST) >= 4.5, path
        assert await tab.run(UNLABELLED) == [], path
        # what comes from data is text, and never markup or a script
        assert await tab.run("document.querySelectorAll('main i:not(.track i), main img, main svg').length") == 0
        assert tab.troubles() == [], path


async def test_a_key_is_asked_for_and_kept_in_memory_only(tab: Tab, store: Path, tmp_path: Path):
    # given a server that asks for keys
    keys = tmp_path / "keys"
    keys.mkdir()
    (keys / "ward").write_text(KEY)
    with serving("patients", "--store", str(store), "--port", "0", "--drain", "0", "--keys", str(keys)) as server:
        await tab.open(f"http://127.0.0.1:{server.port}/")
        # then the page says nothing of the model
        assert "patients" not in await tab.run("document.documentElement.outerHTML")
        assert await tab.run(UNLABELLED) == []
        # when a wrong key is given, it says so
        await tab.call("Input.insertText", text="not-the-key-of-anybody")
        await press(tab, "Enter")
        assert "is not one that is known here" in await until(tab, "document.querySelector('.wrong').textContent")
        # and with the right one the model is there and answers
        await tab.call("Input.insertText", text=KEY)
        await press(tab, "Enter")
        await until(tab, "Boolean(document.querySelector('section[data-model]'))")
        assert "answered by patients-1" in await predict(tab, "patients")
        command = await tab.run("document.querySelector('output pre').textContent")
        assert "Authorization: Bearer $EVERMODEL_KEY" in command
        # and the other page opens with it
        await tab.run("document.querySelector('a[data-page=\"/docs\"]').click()")
        assert "need an API key" in await until(tab, "document.querySelector('.operation') && document.body.innerText")
        # and it is nowhere but in memory
        assert KEY not in await tab.run("document.documentElement.outerHTML")
        assert await tab.run("[localStorage.length, sessionStorage.length, document.cookie]") == [0, 0, ""]
        # and programs are told as everybody is
        status, headers, body = server.ask("GET", "/openapi.json")
        assert (status, list(json.loads(body))) == (401, ["error"])
        assert headers["www-authenticate"].startswith("Bearer")
