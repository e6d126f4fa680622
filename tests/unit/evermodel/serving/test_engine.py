"""A model serves only when its bytes are the right ones and it answers as it did when it was made."""

import shutil
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from evermodel.artifact.manifest import COMPILED
from evermodel.artifact.model import load_artifact
from evermodel.artifact.onnx_file import export_onnx
from evermodel.artifact.store import make_manifest, write_artifact
from evermodel.compiled.check import Check
from evermodel.compiled.file import decode, encode
from evermodel.compiled.program import Program
from evermodel.errors import DataError
from evermodel.serving.batch import Batch
from evermodel.serving.engine import (
    CompiledEngine,
    ScikitLearnEngine,
    batch_of_rows,
    check_golden_rows,
    is_same_answer,
    load_served_model,
)


def directory(made: Any) -> Path:
    return Path(made.artifact.uri.removeprefix("file://"))


def with_files(made: Any, store: Path, without: tuple[str, ...] = (), **changed: bytes) -> tuple[str, str]:
    """The artifact with other files, as a training would have written it: its URI and digest."""
    files = {path.name: path.read_bytes() for path in directory(made).iterdir() if path.name != "manifest.json"}
    files |= {name.replace("_", "."): content for name, content in changed.items()}
    files = {name: content for name, content in files.items() if name not in without}
    documents = load_artifact(made.artifact.uri, made.artifact.digest)
    artifact = write_artifact(str(store), make_manifest(documents.signature.task, "Any", files), files)
    return artifact.uri, artifact.digest


def test_a_good_model_is_ready_and_answers(line):
    # given an artifact, when it is loaded for serving
    served = load_served_model("line", "line-1", line.artifact.uri, line.artifact.digest)
    # then it answers the line by its compiled form, and knows its number
    assert served.engine.predict(Batch(np.array([[50.0]]))).tolist() == [104.0]
    assert served.number == "1"
    assert (served.engine.name, served.engine.quick, served.note) == ("compiled", True, "")
    assert served.program is not None


def test_both_engines_give_the_same_answers(patients):
    # given rows with gaps and with a category that training never saw
    loaded = load_artifact(patients.artifact.uri, patients.artifact.digest)
    rows = [[50, "male", True], [None, "female", False], [61.5, "neither", None], [47, None, True]]
    batch = batch_of_rows(loaded.signature, rows)
    # when both engines are asked, then they agree
    program, _ = decode((directory(patients) / COMPILED).read_bytes())
    slow = ScikitLearnEngine(loaded.model, loaded.signature).predict(batch)
    np.testing.assert_allclose(CompiledEngine(program).predict(batch), slow, rtol=0, atol=1e-12)


def test_a_model_without_a_compiled_form_is_served_by_scikit_learn(neighbours, capsys):
    served = load_served_model("n", "n-1", neighbours.artifact.uri, neighbours.artifact.digest)
    assert (served.engine.name, served.engine.quick, served.program) == ("scikit-learn", False, None)
    assert served.note == "the artifact has no compiled model"
    assert capsys.readouterr().err == ""


def test_a_compiled_model_that_answers_otherwise_here_does_not_serve(line, tmp_path, capsys):
    # given a compiled model whose check rows have other answers, as on a machine that computes otherwise
    program, check = decode((directory(line) / COMPILED).read_bytes())
    other = encode(program, Check(check.rows, check.answers + 1e-3, check.tolerance))
    uri, digest = with_files(line, tmp_path, compiled_bin=other)
    # when it is served, then scikit-learn answers, and it is said why
    served = load_served_model("line", "line-1", uri, digest)
    assert served.engine.name == "scikit-learn"
    assert "check rows differ by 0.00" in served.note
    assert capsys.readouterr().err == f"evermodel serve: line-1 is served by scikit-learn: {served.note}\n"


def test_a_compiled_model_that_misses_its_golden_rows_does_not_serve(line, tmp_path):
    # given the compiled form of another line, without any check row
    program, check = decode((directory(line) / COMPILED).read_bytes())
    model = replace(program.model, intercept=np.array([5.0]))
    rows = replace(check.rows, values=check.rows.values[:0], texts={})  # noqa: PD011  no frame
    other = encode(Program(program.features, model), Check(rows, check.answers[:0], check.tolerance))
    uri, digest = with_files(line, tmp_path, compiled_bin=other)
    served = load_served_model("line", "line-1", uri, digest)
    assert served.engine.name == "scikit-learn"
    assert "golden row 0" in served.note


def test_a_model_that_exists_only_as_onnx_is_served_by_its_runtime(line, tmp_path):
    # given what a container leaves: a model of ONNX and nothing else
    loaded = load_artifact(line.artifact.uri, line.artifact.digest)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the converter asks with arrays without names
        exported = export_onnx(line.pipeline, loaded.signature, pd.DataFrame({"x": [1.0, 2.0]}))
    assert exported.content is not None
    uri, digest = with_files(line, tmp_path, without=("model.skops", COMPILED), model_onnx=exported.content)
    # when it is served, then it answers, and the metadata's name says by what
    served = load_served_model("line", "line-1", uri, digest)
    assert (served.engine.name, served.engine.quick) == ("onnxruntime", False)
    np.testing.assert_allclose(served.engine.predict(Batch(np.array([[50.0], [0.0]]))), [104.0, 4.0], atol=1e-9)


def test_a_damaged_compiled_model_is_refused(line, tmp_path):
    content = (directory(line) / COMPILED).read_bytes()
    uri, digest = with_files(line, tmp_path, compiled_bin=content[:-64])
    with pytest.raises(DataError, match="compiled model cannot be read") as caught:
        load_served_model("line", "line-1", uri, digest)
    assert caught.value.reason == "ArtifactInvalid"


def test_a_compiled_model_of_other_columns_is_refused(line, patients, tmp_path):
    content = (directory(patients) / COMPILED).read_bytes()
    uri, digest = with_files(line, tmp_path, compiled_bin=content)
    with pytest.raises(DataError, match="takes 3 columns and its signature has 1"):
        load_served_model("line", "line-1", uri, digest)


def test_a_compiled_model_is_loaded_without_heavy_libraries(patients):
    # given a process of its own, when it loads a model and answers
    code = (
        "import sys; from evermodel.serving.engine import load_served_model; "
        "served = load_served_model('m', 'm-1', *sys.argv[1:]); "
        "heavy = {'pandas', 'sklearn', 'scipy', 'pyarrow', 'fsspec', 'onnx', 'onnxruntime', 'skops'}; "
        "print(served.engine.name, sorted(heavy & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code, patients.artifact.uri, patients.artifact.digest]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    # then none of them was imported
    assert done.stdout == "compiled []\n"


@pytest.mark.parametrize("name", ["model.skops", "compiled.bin", "signature.json", "golden.json", "manifest.json"])
def test_a_changed_byte_is_refused(line, tmp_path, name):
    # given a copy of the artifact with one byte changed
    copy = tmp_path / "copy"
    shutil.copytree(Path(line.artifact.uri.removeprefix("file://")), copy)
    content = bytearray((copy / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / name).write_bytes(content)
    # when it is loaded, then it is refused by the name of the file
    with pytest.raises(DataError, match=name) as caught:
        load_served_model("line", "line-1", str(copy), line.artifact.digest)
    assert caught.value.reason == "ArtifactDigestMismatch"


def test_a_model_that_answers_otherwise_is_refused(line):
    # given an artifact whose golden rows say something else than the model does
    loaded = load_artifact(line.artifact.uri, line.artifact.digest)
    predictions = [*loaded.golden.predictions[:-1], 3.0]
    other = replace(loaded, golden=loaded.golden.model_copy(update={"predictions": predictions}))
    engine = ScikitLearnEngine(loaded.model, loaded.signature)
    # when they are compared, then the row and both answers are told
    last = len(predictions) - 1
    with pytest.raises(DataError, match=f"golden row {last}: expected 3.0, got 42") as caught:
        check_golden_rows(engine, other)
    assert caught.value.reason == "GoldenRowsDiffer"


def test_other_probabilities_are_refused_too(patients):
    loaded = load_artifact(patients.artifact.uri, patients.artifact.digest)
    probabilities = [[share + 1e-3 for share in row] for row in loaded.golden.probabilities]
    other = replace(loaded, golden=loaded.golden.model_copy(update={"probabilities": probabilities}))
    engine = ScikitLearnEngine(loaded.model, loaded.signature)
    with pytest.raises(DataError, match="golden row 0"):
        check_golden_rows(engine, other)


@pytest.mark.parametrize(
    ("expected", "found", "same"),
    [
        (1.0, 1.0 + 5e-10, True),
        (1.0, 1.0 + 5e-9, False),
        (1e6, 1e6 + 5e-4, True),
        (float("nan"), float("nan"), True),
        (float("nan"), 1.0, False),
        (1, True, False),
        (1, 1, True),
        ("1", 1, False),
        ("a", "a", True),
        (1.0, "1.0", False),
    ],
)
def test_answers_are_equal_within_the_tolerance_and_by_type(expected, found, same):
    assert is_same_answer(expected, found, 1e-9) is same
