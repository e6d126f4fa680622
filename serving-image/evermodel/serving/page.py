"""The pages for people: what is served, what it takes, and a form to try it. Nothing is fetched from elsewhere.

Whatever comes from data (names, levels, values) is escaped by its type, and the pages' policy lets no script run but
ours.
"""

from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from importlib.resources import files

from evermodel.page import Child, Html, element, join
from evermodel.serving.card import card
from evermodel.serving.page_form import form
from evermodel.serving.page_model import headline, origin, scores, signature_table
from evermodel.serving.registry import Registry


def _asset(name: str) -> Html:
    return Html(files("evermodel.serving").joinpath("assets", name).read_text("utf-8"))


def content_security_policy() -> str:
    """What a browser may do with the pages: our one style and one script, known by their hashes, and requests to us."""
    style, script = (
        f"'sha256-{b64encode(sha256(_asset(name).encode()).digest()).decode()}'" for name in ("page.css", "page.js")
    )
    return (
        f"default-src 'none'; style-src {style}; script-src {script}; connect-src 'self'; img-src data:;"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def document(title: str, *body: Child) -> str:
    """A whole page."""
    head = join(
        [
            element("meta", charset="utf-8"),
            element("meta", name="viewport", content="width=device-width, initial-scale=1"),
            element("meta", name="color-scheme", content="light dark"),
            element("link", rel="icon", href="data:,"),
            element("title", title),
            element("style", _asset("page.css")),
        ]
    )
    main = element("main", *body, id="main")
    script = element("script", _asset("page.js"))
    return f'<!doctype html>\n<html lang="en"><head>{head}</head><body>{main}{script}</body></html>\n'


def navigation(here: str, models: Sequence[str] = ()) -> Html:
    """Links to the other pages, and to the models of this one."""
    pages = [("/", "Try it"), ("/docs", "API"), ("/openapi.json", "OpenAPI"), ("/metrics", "Metrics")]
    links = [
        element("a", words, href=path, aria_current="page" if path == here else None, data_page=path)
        for path, words in pages
    ]
    jumps = [element("a", element("bdi", name), href=f"#model-{n}") for n, name in enumerate(models)]
    lists = [element("nav", *links, aria_label="Pages", class_="pages")]
    if len(jumps) > 1:
        lists.append(element("nav", *jumps, aria_label="Models", class_="models"))
    return element("header", element("span", "Evermodel", class_="brand"), *lists)


def front_page(registry: Registry, *, asks_for_keys: bool = False) -> str:
    """The page at `/`: one section for each model.

    Args:
        registry: what is served.
        asks_for_keys: whether requests need an API key, so that the commands shown have to send one.
    """
    sections = [_section(registry, number, asks_for_keys=asks_for_keys) for number in range(len(registry.names))]
    title = registry.names[0] if len(registry.names) == 1 else "Evermodel"
    if not sections:
        sections = [element("section", element("p", "The model is still being loaded; look again in a moment."))]
    return document(title, navigation("/", registry.names), *sections)


def _section(registry: Registry, number: int, *, asks_for_keys: bool) -> Html:
    name = registry.names[number]
    hosted, anchor = registry.find(name), f"model-{number}"
    about = card(hosted, registry.versions(name))
    return element(
        "section",
        headline(about, f"{anchor}-name"),
        scores(about, hosted),
        form(hosted, anchor, asks_for_keys=asks_for_keys),
        origin(about, hosted),
        signature_table(hosted),
        id=anchor,
        data_model=name,
        aria_labelledby=f"{anchor}-name",
    )


def key_page(sentence: str) -> str:
    """What a person sees who has not shown an API key yet; it says nothing of the models."""
    field = element(
        "input",
        id="key",
        type="password",
        autocomplete="off",
        required=True,
        spellcheck="false",
        aria_describedby="key-hint key-error",
    )
    body = element(
        "section",
        element("h1", "An API key, please"),
        element("p", "This server answers only who has a key.", class_="lead"),
        element(
            "form",
            element("label", "API key", for_="key"),
            field,
            element("p", "It stays in this window's memory and is gone when you close or reload it.", id="key-hint"),
            element("button", "Continue", type="submit"),
            element("p", sentence, id="key-error", class_="wrong", role="alert"),
            id="unlock",
        ),
        element("noscript", element("p", "This page needs JavaScript to send the key.")),
        class_="unlock",
    )
    return document("API key", body)
