"""What the guides show is true: their YAML fits the contract, their commands parse, their words and fields are there."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from evermodel.cli import _parser
from evermodel.specfile import _Loader, read_spec
from evermodel.training.rules import broken_rules
from evermodel_api import API_VERSION
from evermodel_api.kinds import KINDS
from evermodel_api.reasons import ConditionType, Reason
from evermodel_api.runs import Outcome
from evermodel_api.training import ESTIMATORS, SAMPLERS, SELECTORS, TRANSFORMERS, TrainingSpec, TrainingStatus
from evermodel_api.version import Stage, VersionSpec, VersionStatus
from evermodel_operator import labels

ROOT = Path(__file__).parents[3]
GUIDE = ROOT / "docs" / "training.md"
README = ROOT / "README.md"
CLINIC = ROOT / "manifests" / "examples" / "clinic" / "README.md"
HEART = ROOT / "manifests" / "examples" / "heart"
DEPLOYMENT = ROOT / "docs" / "deployment.md"
DOCS = [ROOT / "docs" / name for name in ("containers.md", "rollout.md", "runs.md", "serving.md")]
TAUGHT = [GUIDE, DEPLOYMENT, README, CLINIC, HEART / "README.md", *DOCS]
SPECS: dict[str, Any] = {kind.name: kind.spec for kind in KINDS}
REPRODUCED = {"Identical", "WithinTolerance", "Different", "Impossible"}
ELSEWHERE = {"Link"}
"""Words of others: the header of HTTP."""


@dataclass(frozen=True)
class Block:
    """A fenced block of a guide."""

    path: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.path.relative_to(ROOT)}:{self.line}"


def blocks(path: Path) -> Iterator[Block]:
    text = path.read_text(encoding="utf-8")
    for found in re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        yield Block(path, text.count("\n", 0, found.start()) + 1, found[1], found[2])


def prose(path: Path) -> str:
    return re.sub(r"^```.*?^```$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def in_code(path: Path) -> Iterator[str]:
    return (" ".join(found.split()) for found in re.findall(r"`([^`]+)`", prose(path)))


YAML = [block for path in TAUGHT for block in blocks(path) if block.language == "yaml"]
SHELL = [
    (block, line)
    for path in TAUGHT
    for block in blocks(path)
    if block.language == ""
    for line in block.text.replace("\\\n", " ").splitlines()
]
COMMANDS = [(block, line) for block, line in SHELL if line.startswith("evermodel ") and "[" not in line]


def merged(base: Any, part: Any) -> Any:
    if not (isinstance(base, dict) and isinstance(part, dict)):
        return part
    return {**base, **{key: merged(base.get(key), value) for key, value in part.items()}}


def smallest() -> dict[str, Any]:
    """The spec that the guide begins with: its snippets are parts of such a one."""
    first = next(block for block in YAML if block.path == GUIDE)
    spec: dict[str, Any] = yaml.safe_load(first.text)["spec"]
    return spec


@pytest.mark.parametrize("block", YAML, ids=str)
def test_every_snippet_fits_the_contract(block: Block):
    # kubectl's YAML takes a bare `on` for true; the command's takes it for a field
    documents = list(yaml.safe_load_all(block.text))
    assert documents == list(yaml.load_all(block.text, Loader=_Loader)), "quote it, so that kubectl reads it alike"
    for document in documents:
        kind = document.get("kind", "ModelTraining")
        if "kind" in document:
            assert document["apiVersion"] == API_VERSION
        spec = document["spec"] if "kind" in document else merged(smallest(), document)
        read_spec(str(block), spec, SPECS[kind], broken_rules if kind == "ModelTraining" else lambda _: [])


@pytest.mark.parametrize(("block", "line"), COMMANDS, ids=lambda value: str(value)[:60])
def test_every_command_parses(block: Block, line: str):
    argv = shlex.split(line, comments=True)[1:]
    if ">" in argv:
        argv = argv[: argv.index(">")]
    # argparse ends the test with what it has to say, should it not
    assert _parser(argv).parse_args(argv).command == argv[0], str(block)


def test_there_are_commands_of_every_kind_to_check():
    assert {line.split()[1] for _, line in COMMANDS} >= {"train", "runs", "reproduce", "serve", "monitor"}


def test_annotations_that_people_are_told_to_set_are_those_that_are_read():
    told = {
        word.partition("=")[0]
        for _, line in SHELL
        if line.startswith("kubectl annotate")
        for word in line.split()
        if "evermodel.dev/" in word
    }
    known = {labels.APPROVE, labels.REPRODUCE, labels.ROLLBACK, labels.PROMOTE, labels.RETRY, labels.PAUSE, labels.PIN}
    assert known <= told
    assert all(key in known or key.startswith(labels.RETRAIN_PREFIX) for key in told), told


def values(schema: Any) -> Iterator[str]:
    """Everything that a JSON schema lists as a value."""
    if isinstance(schema, dict):
        yield from (value for value in schema.get("enum", []) if isinstance(value, str))
        if isinstance(schema.get("const"), str):
            yield schema["const"]
        schema = list(schema.values())
    if isinstance(schema, list):
        for part in schema:
            yield from values(part)


def vocabulary() -> set[str]:
    words = {*map(str, Reason), *map(str, ConditionType), *map(str, Outcome), *map(str, Stage), *ELSEWHERE}
    words |= {*ESTIMATORS, *TRANSFORMERS, *SELECTORS, *SAMPLERS, *SPECS, *REPRODUCED}
    return words | set(values(TrainingSpec.model_json_schema()))


@pytest.mark.parametrize("path", [GUIDE, CLINIC], ids=lambda path: path.parent.name)
def test_every_word_is_one_of_the_contract(path: Path):
    words = {word for code in in_code(path) for word in re.findall(r"^([A-Z][a-z]+(?:[A-Z][A-Za-z]*)?):?$", code)}
    assert words - vocabulary() == set()


def fields(schema: Any, at: Any, prefix: str = "") -> Iterator[str]:
    """Paths of all fields below a part of a JSON schema."""
    if "$ref" in at:
        at = schema["$defs"][at["$ref"].rpartition("/")[2]]
    for part in (*at.get("anyOf", []), *([at["items"]] if "items" in at else [])):
        yield from fields(schema, part, prefix)
    for name, below in at.get("properties", {}).items():
        path = f"{prefix}.{name}" if prefix else name
        yield path
        yield from fields(schema, below, path)


def paths_of(model: Any, prefix: str = "") -> set[str]:
    schema = model.model_json_schema(by_alias=True)
    return set(fields(schema, schema, prefix))


@pytest.mark.parametrize("path", [GUIDE, CLINIC, README], ids=lambda path: path.parent.name)
def test_every_field_that_is_named_is_there(path: Path):
    known = paths_of(TrainingSpec) | paths_of(TrainingStatus, "status") | paths_of(VersionStatus, "status")
    known |= paths_of(VersionSpec, "spec") | {"artifacts.allowPickle", "store.uri", "actions.retrain"}
    roots = {field.partition(".")[0] for field in known}
    named = {
        code.replace("[0]", "")
        for code in in_code(path)
        if re.fullmatch(r"[a-z][A-Za-z]*(\[0\])?(\.[A-Za-z]+(\[0\])?)+", code)
    }
    files = {code for code in named if code.rpartition(".")[2] in {"md", "html", "json", "yaml", "parquet", "py"}}
    assert {code for code in named - files if code.partition(".")[0] in roots} - known == set()


@pytest.mark.parametrize("path", [GUIDE, CLINIC, README, ROOT / "docs" / "design.md"], ids=lambda path: path.stem)
def test_every_link_leads_somewhere(path: Path):
    text = prose(path)
    targets = [target for target in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in target]
    for target in targets:
        file, _, anchor = target.partition("#")
        found = (path.parent / file).resolve() if file else path
        assert found.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", found.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}, (
                target
            )


def test_the_readme_shows_the_examples_as_they_are():
    shown = next(block.text for block in blocks(README) if block.language == "yaml")
    files = [(HEART / f"{name}.yaml").read_text(encoding="utf-8") for name in ("training", "deployment", "monitor")]
    assert shown == "---\n".join(files)
