"""Which class reads a source, which Secret it gets, and which source --set-source replaces."""

from datetime import UTC, datetime

import pandas as pd
import pytest

from evermodel.data.files import Files
from evermodel.data.secrets import read_secret_keys
from evermodel.data.source import open_source, replace_sources
from evermodel.errors import SpecError
from evermodel_api.training import Source

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def secret(folder, name, **keys):
    (folder / name).mkdir(parents=True)
    for key, value in keys.items():
        (folder / name / key).write_text(f"{value}\n")


def test_a_file_source_gets_the_whole_secret_as_options(tmp_path):
    # given a Secret as Kubernetes mounts it: keys are links into a folder with two dots
    secret(tmp_path, "lake", skip_instance_cache="x")
    (tmp_path / "lake" / "..data").mkdir()
    source = Source(name="labs", file={"uri": "memory://labs.csv", "secretRef": {"name": "lake"}})
    assert read_secret_keys(tmp_path, "lake") == {"skip_instance_cache": "x"}
    assert isinstance(open_source(source, NOON, tmp_path), Files)


@pytest.mark.parametrize(
    "spec",
    [
        {"file": {"uri": "s3://lake/labs.csv", "secretRef": {"name": "lake"}}},
        {"http": {"uri": "https://a.example/rows", "headersFrom": {"secretRef": {"name": "lake"}}}},
    ],
)
@pytest.mark.parametrize("keys", [None, {}, {"key": ""}])
def test_a_secret_that_holds_nothing_is_named(tmp_path, spec, keys):
    if keys is not None:
        secret(tmp_path, "lake", **keys)
    with pytest.raises(SpecError, match="the Secret 'lake' has no") as error:
        open_source(Source(name="labs", **spec), NOON, tmp_path)
    assert error.value.reason == "SecretKeyMissing"
    assert "\n" not in str(error.value)


def test_a_source_of_no_kind_is_the_spec_s_fault(tmp_path):
    with pytest.raises(SpecError, match="has neither sql nor file nor http") as error:
        open_source(Source(name="labs"), NOON, tmp_path)
    assert error.value.reason == "SourceInvalid"


@pytest.mark.parametrize("suffix", ["csv", "parquet", "jsonl"])
def test_a_source_is_replaced_by_a_local_file(tmp_path, suffix):
    frame = pd.DataFrame({"a": [1, 2]})
    path = tmp_path / f"rows.{suffix}"
    {
        "csv": lambda: frame.to_csv(path, index=False),
        "parquet": lambda: frame.to_parquet(path),
        "jsonl": lambda: frame.to_json(path, orient="records", lines=True),
    }[suffix]()
    web, other = Source(name="web", http={"uri": "https://a.example"}), Source(name="other", file={"uri": "x.csv"})
    replaced = replace_sources([web, other], {"web": str(path)})
    assert replaced[1] is other
    pd.testing.assert_frame_equal(open_source(replaced[0], NOON, tmp_path).frame(), frame)


def test_a_source_that_is_not_there_cannot_be_replaced():
    with pytest.raises(SpecError, match="there is no source 'x' to replace; the sources are web") as error:
        replace_sources([Source(name="web")], {"x": "rows.csv"})
    assert error.value.reason == "SourceUnknown"
