"""S3 by a real server: the file system itself, sources, and what is said when it fails."""

import io
import json

import fsspec
import pandas as pd
import pytest

from evermodel.artifact.s3 import S3FileSystem
from evermodel.data.batches import to_frame
from evermodel.data.files import Files
from evermodel.data.unavailable import SourceUnavailableError
from evermodel.errors import DataError, SpecError
from evermodel_api.training import FileSource
from tests.unit.evermodel.bench import numbers, spec_of, train_as_pod


@pytest.fixture
def lake(bucket, s3_server):
    """The file system and an empty bucket in it."""
    return S3FileSystem(**s3_server.options), bucket.removeprefix("s3://")


def test_an_upload_that_fails_leaves_nothing(lake):
    filesystem, bucket = lake
    with filesystem.open(f"{bucket}/whole", "wb") as file:
        file.write(b"whole")

    def fail() -> None:
        with filesystem.open(f"{bucket}/part", "wb") as file:
            file.write(b"part")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert filesystem.ls(bucket, detail=False) == [f"{bucket}/whole"]


def test_large_uploads_and_parts_of_objects(lake):
    filesystem, bucket = lake
    content = bytes(range(256)) * (20 << 12)
    with filesystem.open(f"{bucket}/large", "wb") as file:
        for start in range(0, len(content), 1 << 20):
            file.write(content[start : start + (1 << 20)])
    assert filesystem.info(f"{bucket}/large")["size"] == len(content)
    assert filesystem.cat_file(f"{bucket}/large", 5, 9) == content[5:9]
    assert filesystem.cat_file(f"{bucket}/large", -3) == content[-3:]
    with filesystem.open(f"{bucket}/large") as file:
        file.seek(-10, io.SEEK_END)
        assert file.read() == content[-10:]


def test_globs_find_and_remove(lake):
    filesystem, bucket = lake
    for name in ("a/1.csv", "a/2.csv", "a/x.json", "a/deep/3.csv", "b/4.csv"):
        filesystem.pipe_file(f"{bucket}/{name}", b"1")

    def found(pattern):
        return [name.removeprefix(f"{bucket}/") for name in sorted(filesystem.glob(f"{bucket}/{pattern}"))]

    assert found("a/*.csv") == ["a/1.csv", "a/2.csv"]
    assert found("*/*.csv") == ["a/1.csv", "a/2.csv", "b/4.csv"]
    assert found("**/*.csv") == ["a/1.csv", "a/2.csv", "a/deep/3.csv", "b/4.csv"]
    assert found("none/*.csv") == []
    assert filesystem.exists(f"{bucket}/a/1.csv")
    assert not filesystem.exists(f"{bucket}/a/9.csv")
    filesystem.cp_file(f"{bucket}/a/1.csv", f"{bucket}/c.csv")
    filesystem.rm(f"{bucket}/a", recursive=True)
    filesystem.rm(f"{bucket}/c.csv")
    assert filesystem.find(bucket) == [f"{bucket}/b/4.csv"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"kee": "x"}, "'kee' is no option of s3; its options are endpoint_url, key, region, secret, token"),
        ({"secret": None}, "of the options key and secret of s3, one is given and the other is not"),
    ],
)
def test_options_that_make_no_sense_are_named(s3_server, options, said):
    given = {name: value for name, value in {**s3_server.options, **options}.items() if value}
    with pytest.raises(SpecError) as error:
        Files("labs", FileSource(uri="s3://lake/labs.csv"), given).frame()
    assert error.value.reason == "SourceInvalid"
    assert said in str(error.value)
    assert "or the keys of the Secret in file.secretRef" in str(error.value)
    assert s3_server.secret not in str(error.value)


@pytest.mark.parametrize("wrong", [{"secret": "wrong-secret"}, {"key": "nobody"}])
def test_wrong_credentials_are_told_without_them(bucket, s3_server, wrong):
    options = {**s3_server.options, **wrong}
    with pytest.raises(SourceUnavailableError) as error:
        Files("labs", FileSource(uri=f"{bucket}/labs.csv"), options).frame()
    assert error.value.reason == "SourceUnreachable"
    for hidden in (options["secret"], "wrong-secret"):
        assert hidden not in str(error.value)


def test_a_key_that_is_not_there_is_the_data_s_fault(bucket, s3_server):
    for uri in (f"{bucket}/labs.csv", f"{bucket}/*/labs.csv"):
        with pytest.raises(DataError) as error:
            Files("labs", FileSource(uri=uri), s3_server.options).frame()
        assert error.value.reason == "SourceNotFound"


def test_a_bucket_that_is_not_there_is_told(s3_server):
    with pytest.raises(SourceUnavailableError, match="bucket does not exist"):
        Files("labs", FileSource(uri="s3://nowhere/*.csv"), s3_server.options).frame()


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_key_that_vanishes_between_the_glob_and_the_reading_is_tried_again(lake, bucket, s3_server, suffix):
    # given three objects, the last of which goes while the first is read
    filesystem, name = lake
    frame = pd.DataFrame({"a": range(10)})
    for i in range(3):
        with filesystem.open(f"{name}/labs/{i}.{suffix}", "wb") as file:
            frame.to_csv(file, index=False) if suffix == "csv" else frame.to_parquet(file)
    batches = Files("labs", FileSource(uri=f"{bucket}/labs/*.{suffix}"), s3_server.options).batches()
    assert next(batches).num_rows == 10
    filesystem.rm_file(f"{name}/labs/2.{suffix}")
    # then it is told as something that may pass
    with pytest.raises(SourceUnavailableError, match=rf"labs/\*\.{suffix} cannot be read: .*2\.{suffix}"):
        list(batches)


def test_an_object_that_vanishes_while_it_is_read_is_no_damage(lake, bucket, s3_server):
    # given an object of several megabytes, of which the first batch was read
    filesystem, name = lake
    with filesystem.open(f"{name}/labs.jsonl", "wb") as file:
        file.writelines(f'{{"a": {i}, "text": "{"x" * 80}"}}\n'.encode() for i in range(40_000))
    batches = Files("labs", FileSource(uri=f"{bucket}/labs.jsonl"), s3_server.options).batches()
    assert next(batches).num_rows == 10_000
    # when it goes
    filesystem.rm_file(f"{name}/labs.jsonl")
    # then that is no fault of its bytes
    with pytest.raises(SourceUnavailableError, match="cannot be read: "):
        list(batches)


def test_a_pod_trains_from_s3_into_s3(bucket, s3_server, tmp_path, monkeypatch):
    # given rows in two objects, a Secret for them, and the store's credentials where a pod has them
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    rows = numbers(60)
    for i, part in enumerate((rows[:25], rows[25:])):
        with fsspec.open(f"{bucket}/rows/{i}.parquet", "wb") as file:
            part.to_parquet(file)
    (tmp_path / "secrets" / "lake").mkdir(parents=True)
    for key, value in s3_server.options.items():
        (tmp_path / "secrets" / "lake" / key).write_text(value)
    spec = spec_of(f"{bucket}/rows/*.parquet")
    spec["data"]["sources"][0]["file"]["secretRef"] = {"name": "lake"}
    # when a pod trains
    ran, outcome = train_as_pod(tmp_path, spec, store=f"{bucket}/evermodel")
    # then the model is in the store, and is the one that files give
    assert (ran.code, outcome["outcome"], outcome["rows"]) == (0, "Succeeded", 60), ran.err
    digest = outcome["artifact"]["digest"].removeprefix("sha256:")
    filesystem, root = S3FileSystem(**s3_server.options), bucket.removeprefix("s3://")
    assert f"{root}/evermodel/artifacts/{digest}/manifest.json" in filesystem.find(f"{root}/evermodel")
    record = json.loads(filesystem.cat_file(f"{root}/evermodel/runs/m/1.json"))
    assert record["artifact"]["digest"] == outcome["artifact"]["digest"]
    fsspec.get_filesystem_class("s3").clear_instance_cache()


def test_json_lines_are_streamed(lake, bucket, s3_server):
    filesystem, name = lake
    with filesystem.open(f"{name}/rows.jsonl", "wb") as file:
        file.writelines(f'{{"a": {i}}}\n'.encode() for i in range(25_000))
    batches = list(Files("rows", FileSource(uri=f"{bucket}/rows.jsonl"), s3_server.options).batches())
    assert len(batches) == 3
    assert to_frame(batches)["a"].sum() == sum(range(25_000))
