"""Every kind of source, and every kind of store, does what the suites in the package ask."""

import fsspec
import pytest

from evermodel.artifact.store import absolute_uri
from evermodel.conformance.sources import SourceSuite
from evermodel.conformance.stores import StoreSuite
from tests.integration.data.places import FilePlace, PostgresPlace, SqlitePlace, WebPlace, closed_port


class TestLocalFiles(SourceSuite):
    @pytest.fixture(params=["csv", "csv.gz", "parquet", "jsonl", "jsonl.gz"])
    def place(self, tmp_path, request):
        (tmp_path / f"folder.{request.param}").mkdir()  # cannot be read
        return FilePlace(str(tmp_path), request.param, {}, (str(tmp_path / "folder"), {}))


class TestFilesOnS3(SourceSuite):
    @pytest.fixture(params=["csv", "parquet", "jsonl"])
    def place(self, bucket, s3_server, request):
        away = {**s3_server.options, "endpoint_url": f"http://127.0.0.1:{closed_port()}"}
        return FilePlace(
            f"{bucket}/lake", request.param, s3_server.options, ("s3://bucket/rows", away), s3_server.secret
        )


class TestSqlite(SourceSuite):
    @pytest.fixture
    def place(self, tmp_path):
        return SqlitePlace(tmp_path)


class TestPostgres(SourceSuite):
    @pytest.fixture
    def place(self, postgres):
        return PostgresPlace(postgres)


class TestHttpApi(SourceSuite):
    @pytest.fixture(params=["link", "next", "page"])
    def place(self, web, request):
        return WebPlace(web, request.param)


class TestLocalStore(StoreSuite):
    @pytest.fixture
    def root(self, tmp_path):
        return absolute_uri(str(tmp_path / "store"))


class TestMemoryStore(StoreSuite):
    @pytest.fixture
    def root(self):
        yield "memory://store"
        memory = fsspec.filesystem("memory")
        if memory.exists("/store"):
            memory.rm("/store", recursive=True)


class TestS3Store(StoreSuite):
    @pytest.fixture
    def root(self, bucket, s3_server, monkeypatch):
        # a pod finds its credentials where the AWS chain looks
        for name, value in s3_server.environment.items():
            monkeypatch.setenv(name, value)
        fsspec.get_filesystem_class("s3").clear_instance_cache()
        yield f"{bucket}/evermodel"
        fsspec.get_filesystem_class("s3").clear_instance_cache()
