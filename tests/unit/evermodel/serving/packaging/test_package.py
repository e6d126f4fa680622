"""Applications appear whole or not at all, and their setting is read strictly."""

import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml

from evermodel.cli import main
from evermodel.errors import SpecError
from evermodel.serving.packaging.folder import whole_folder
from evermodel.serving.setting import Setting, named_models, read_setting


def package(*arguments: object) -> int:
    return main(["package", *map(str, arguments)])


def tree(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture(scope="module")
def application(tmp_path_factory, store, line, patients) -> Path:
    """The line and the patients in one application."""
    out = tmp_path_factory.mktemp("packaged") / "app"
    assert package("line-1", "ward=patients-1", "--store", store, "--out", out) == 0
    return out


def test_an_application_holds_its_models_byte_for_byte(application, line, patients):
    # the folder is what the contract says
    for name in ("api/__main__.py", "conf/setting.toml", "docker-compose.yml", "Dockerfile", "requirements.txt"):
        assert (application / name).is_file(), name
    # and the files of each model are those of the store
    for made, version in ((line, "line-1"), (patients, "ward")):
        stored = Path(made.artifact.uri.removeprefix("file://"))
        assert tree(application / "model" / "models" / version) == tree(stored)
    # and nothing is left beside it
    assert [path.name for path in application.parent.iterdir()] == ["app"]


def test_the_setting_names_port_limits_and_models_with_their_digests(application, line, patients):
    setting = read_setting(application / "conf" / "setting.toml")
    assert (setting.server.port, setting.limits.max_rows, setting.log.folder) == (5050, 10_000, "logs")
    assert [(one.name, one.version, one.digest) for one in setting.models] == [
        ("line", "line-1", line.artifact.digest),
        ("ward", "ward", patients.artifact.digest),
    ]
    uri = f"file://{application}/model/models/line-1"
    assert named_models(setting, application)[0] == ("line", "line-1", uri, line.artifact.digest)
    # the comments of the file name the defaults that count where a field is left out
    written = tomllib.loads((application / "conf" / "setting.toml").read_text())
    assert Setting.model_validate({"models": written["models"]}).model_copy(
        update={"log": setting.log}
    ) == Setting.model_validate(written)


def test_containers_get_the_locked_libraries_and_the_port(application):
    # given the files for Docker
    compose = yaml.safe_load((application / "docker-compose.yml").read_text())
    docker = (application / "Dockerfile").read_text()
    # then one service listens at 5050, writes into its volume only, and is asked whether it is ready
    (service,) = compose["services"].values()
    assert set(compose) == {"services", "volumes"}
    assert service["ports"] == ["5050:5050"]
    assert service["read_only"] is True
    volumes = [volume.split(":") for volume in service["volumes"]]
    mounts = {target: source for source, target, *_ in volumes}
    assert mounts == {"/app/conf": "./conf", "/app/logs": "logs", "/app/spool": "spool"}
    assert set(compose["volumes"]) == {"logs", "spool"}
    # and what is written to the spool is in a volume that belongs to the user who runs it
    assert "TMPDIR=/app/spool" in docker
    assert "install -d -o 65532 -g 65532 /app/logs /app/spool" in docker
    assert service["healthcheck"]["test"] == ["CMD", "python3", "-m", "api.healthy"]
    # and what the Dockerfile copies is there, or is made by its first stage
    for sources in re.findall(r"^COPY (?!--from)(.+) \S+$", docker, re.MULTILINE):
        for source in sources.split():
            assert (application / source).exists(), source
    assert "--require-hashes" in docker
    # and every requirement is locked to a version with hashes
    requirements = (application / "requirements.txt").read_text()
    names = re.findall(r"^[a-zA-Z0-9].*$", requirements, re.MULTILINE)
    assert names
    assert all(re.match(r"^[\w.\[\]-]+==\S+", name) for name in names)
    assert "--hash=sha256:" in requirements
    # and no file names the host of a registry
    for name in ("Dockerfile", "docker-compose.yml", "requirements.txt", "README.md"):
        assert not re.search(r"docker\.io|pypi\.org|https://", (application / name).read_text()), name


def test_one_json_document_says_what_was_written(store, line, tmp_path, capsys):
    assert package("line", "--store", store, "--out", tmp_path / "app", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["out"] == str(tmp_path / "app")
    assert document["port"] == 5050
    assert [one["digest"] for one in document["models"]] == [line.artifact.digest]


def test_a_folder_that_holds_something_is_left_alone(store, line, tmp_path, capsys):
    # given a folder with a file, and a file
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    # when it is named, with and without --force
    for out, force, sentence in (
        ("full", [], "is not empty; name another folder, or write over it with --force"),
        ("full", ["--force"], "holds something other than an application"),
        ("file", ["--force"], "is no folder"),
    ):
        assert package("line", "--store", store, "--out", tmp_path / out, *force) == 4
        # then it is told, and nothing has changed
        assert sentence in capsys.readouterr().err
    assert tree(tmp_path) == {"file": b"mine", "full/mine.txt": b"mine"}


def test_force_replaces_an_application_and_keeps_what_belongs_to_who_runs_it(store, line, patients, tmp_path):
    # given an application with logs, a key, and a file that an older release wrote
    out = tmp_path / "app"
    out.mkdir()
    assert package("line-1", "--store", store, "--out", out) == 0
    for name in ("logs/log/line/a.parquet", "conf/keys/ward", "old.txt"):
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_text("kept")
    # when another model is written over it
    assert package("patients", "--store", store, "--out", out, "--force") == 0
    # then its models are the new ones, and logs and keys are there
    assert [path.name for path in (out / "model" / "models").iterdir()] == ["patients-1"]
    assert (out / "logs/log/line/a.parquet").read_text() == (out / "conf/keys/ward").read_text() == "kept"
    assert not (out / "old.txt").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["app"]


@pytest.mark.parametrize(
    "wrong",
    [
        (["line-7"], 3, "has no version line-7; it has"),
        (["line-1", "line-1"], 4, "line-1 is named twice"),
        (["../up=line-1"], 4, "cannot be the name of a model"),
    ],
)
def test_what_cannot_be_packaged_is_told_and_leaves_nothing(store, line, tmp_path, capsys, wrong):
    versions, code, sentence = wrong
    assert package(*versions, "--store", store, "--out", tmp_path / "app") == code
    assert sentence in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_changed_byte_is_found_before_anything_is_written(line, tmp_path, capsys):
    # given an artifact with a changed byte
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    for path in Path(line.artifact.uri.removeprefix("file://")).iterdir():
        (damaged / path.name).write_bytes(path.read_bytes())
    with (damaged / "model.skops").open("r+b") as file:
        file.seek(100)
        file.write(b"\xff")
    # when it is packaged, then it is refused
    assert package(f"line-1={damaged}", "--out", tmp_path / "app") == 3
    assert "model.skops" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["damaged"]


def _write_half(out: Path) -> None:
    with whole_folder(out, force=True) as folder:
        (folder / "new").write_text("half")
        raise SpecError("WrongUsage", "half-way")


def test_a_failure_half_way_leaves_the_old_folder(tmp_path):
    # given an application
    out = tmp_path / "app"
    (out / "conf").mkdir(parents=True)
    (out / "conf" / "setting.toml").write_text("old")
    # when writing it again fails
    with pytest.raises(SpecError):
        _write_half(out)
    # then it is as it was
    assert tree(tmp_path) == {"app/conf/setting.toml": b"old"}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (None, "cannot be read: No such file or directory; name the conf/setting.toml of an application"),
        ("[server\n", "is no TOML"),
        ("", "is wrong at models: Field required"),
        ("[server]\nport = 70000\n", "is wrong at server.port: Input should be less than or equal to 65535"),
        ("[server]\nprot = 5050\n", "is wrong at server.prot: there is no such field"),
        ('[server]\nworkers = "2"\n', "is wrong at server.workers: Input should be a valid integer"),
    ],
)
def test_a_wrong_setting_is_told_with_its_place(tmp_path, capsys, text, sentence):
    path = tmp_path / "setting.toml"
    if text is not None:
        path.write_text(text)
    assert main(["serve", "--config", str(path)]) == 4
    assert sentence in capsys.readouterr().err
