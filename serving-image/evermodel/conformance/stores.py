"""What every artifact store has to do. A new file system is one fixture for this suite.

    class TestMyStore(StoreSuite):
        @pytest.fixture
        def root(self): ...  # URL of an empty place

The suite needs nothing of pytest but the fixture.
"""

# ruff: noqa: S101  assertions are what a test is made of

from collections.abc import Callable
from threading import Event, Thread

from evermodel.artifact.layout import artifact_directory
from evermodel.artifact.manifest import MANIFEST
from evermodel.artifact.store import (
    list_names,
    make_manifest,
    read_artifact,
    read_bytes,
    write_artifact,
    write_bytes,
)
from evermodel.errors import DataError
from evermodel_api.training import Task

CONTENTS = {"model.skops": b"\x00model\xff" * 1000, "signature.json": b"{}\n"}
"""Files of an artifact."""
_LARGE = 12 << 20


def _error(call: Callable[[], object]) -> Exception | None:
    try:
        call()
    except Exception as error:  # noqa: BLE001  which one it is, is what is tested
        return error
    return None


class StoreSuite:
    """The suite. A subclass gives the fixture `root`: the URL of an empty place that may be written."""

    def test_what_is_written_is_read(self, root: str) -> None:
        """Every byte, also of nothing at all and of what is sent in several parts."""
        for content in (b"", b"\x00\r\n\xff", bytes(range(256)) * (_LARGE // 256)):
            write_bytes(f"{root}/folder/file.bin", content)
            assert read_bytes(f"{root}/folder/file.bin") == content

    def test_writing_again_replaces_all_of_it(self, root: str) -> None:
        """A shorter file leaves nothing of the longer one."""
        for content in (b"longer than the next", b"short"):
            write_bytes(f"{root}/file", content)
        assert read_bytes(f"{root}/file") == b"short"

    def test_what_is_not_there_is_not_found(self, root: str) -> None:
        """As FileNotFoundError: callers tell it from a store that cannot be reached."""
        for uri in (f"{root}/none", f"{root}/none/file"):
            assert isinstance(_error(lambda uri=uri: read_bytes(uri)), FileNotFoundError)  # type: ignore[misc]

    def test_a_directory_that_is_not_there_is_empty(self, root: str) -> None:
        """Nothing was written there yet."""
        assert list_names(f"{root}/none") == []

    def test_names_are_listed_in_order_with_folders_and_nothing_else(self, root: str) -> None:
        """Files in the making do not show."""
        for name in ("b.json", "a.json", "10/x", "9/x", "9/deep/y"):
            write_bytes(f"{root}/runs/{name}", b"1")
        assert list_names(f"{root}/runs") == ["10", "9", "a.json", "b.json"]
        assert list_names(f"{root}/runs/") == list_names(f"{root}/runs")

    def test_what_is_written_is_listed_at_once(self, root: str) -> None:
        """Nothing is remembered from an earlier look."""
        for i in range(3):
            write_bytes(f"{root}/runs/{i}.json", b"1")
            assert list_names(f"{root}/runs") == [f"{n}.json" for n in range(i + 1)]

    def test_names_of_every_sort_are_kept(self, root: str) -> None:
        """As the hours of a log have colons in them elsewhere, and people have umlauts."""
        names = sorted(["2026-11-24T09", "with space", "50%41", "Zoë", "a+b=c", "~tilde", "deep.name.json"])
        for name in names:
            write_bytes(f"{root}/names/{name}", name.encode())
        assert list_names(f"{root}/names") == names
        assert [read_bytes(f"{root}/names/{name}") for name in names] == [name.encode() for name in names]

    def test_a_reader_never_sees_a_part(self, root: str) -> None:
        """While a file is replaced by larger ones, again and again, it is one of them."""
        versions = [bytes([65 + i]) * ((1 << 18) + (i << 16)) for i in range(20)]
        write_bytes(f"{root}/file", versions[0])
        done, errors = Event(), list[Exception]()

        def write() -> None:
            try:
                for version in versions:
                    write_bytes(f"{root}/file", version)
            except Exception as error:  # noqa: BLE001  told by the test's own thread
                errors.append(error)
            done.set()

        writer = Thread(target=write)
        writer.start()
        reads = 0
        while not done.is_set() or reads == 0:
            assert read_bytes(f"{root}/file") in versions
            reads += 1
        writer.join()
        assert errors == []

    def test_an_artifact_is_verified(self, root: str) -> None:
        """What was written comes back, and writing it again changes nothing."""
        manifest = make_manifest(Task.REGRESSION, "LinearRegression", CONTENTS)
        artifacts = [write_artifact(root, manifest, CONTENTS) for _ in range(2)]
        assert artifacts[0] == artifacts[1]
        assert read_artifact(artifacts[0].uri, manifest.digest).contents == CONTENTS
        assert list_names(f"{root}/artifacts") == [manifest.digest.removeprefix("sha256:")]

    def test_a_changed_file_is_found(self, root: str) -> None:
        """One byte is enough."""
        manifest = make_manifest(Task.REGRESSION, "LinearRegression", CONTENTS)
        uri = write_artifact(root, manifest, CONTENTS).uri
        write_bytes(f"{uri}/signature.json", b"[]\n")
        error = _error(lambda: read_artifact(uri, manifest.digest))
        assert isinstance(error, DataError)
        assert error.reason == "ArtifactDigestMismatch"
        # and writing the artifact again mends it
        write_artifact(root, manifest, CONTENTS)
        assert read_artifact(uri, manifest.digest).contents == CONTENTS

    def test_an_artifact_without_its_manifest_is_none(self, root: str) -> None:
        """The manifest is written last: before it, nothing is there."""
        manifest = make_manifest(Task.REGRESSION, "LinearRegression", CONTENTS)
        uri = artifact_directory(root, manifest.digest)
        for name, content in CONTENTS.items():
            write_bytes(f"{uri}/{name}", content)
        error = _error(lambda: read_artifact(uri, manifest.digest))
        assert isinstance(error, DataError)
        assert error.reason == "ArtifactMissing"
        assert MANIFEST in str(error)
