"""S3 behind fsspec, by the client that Arrow brings: for stores and for file sources alike.

(s3fs would do the same, and cannot be installed beside today's Kubernetes client.)
"""

import io
import os
import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import fsspec
from fsspec import AbstractFileSystem

OPTIONS = frozenset({"key", "secret", "token", "endpoint_url", "region"})
"""What the file system takes: the keys of a file source's Secret."""
_CONNECT_SECONDS = 10.0
_ATTEMPTS = 3
_READINGS = 10
"""How often an object is read that is replaced meanwhile."""
_READ_AHEAD = 1 << 20
_HELD = 16 << 20
"""Bytes of a file that is being written which are held in memory and not on disk."""


def register() -> None:
    """Make fsspec take s3:// URLs to this file system. It is imported when the first of them is used."""
    fsspec.register_implementation("s3", f"{__name__}.S3FileSystem", clobber=True)


def _connect(options: Mapping[str, str | None]) -> Any:
    from pyarrow import fs  # noqa: PLC0415  loads the AWS SDK: only where S3 is used

    environment = os.environ
    _check_credentials(options)
    endpoint = (
        options.get("endpoint_url") or environment.get("AWS_ENDPOINT_URL_S3") or environment.get("AWS_ENDPOINT_URL")
    )
    region = options.get("region") or environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION")
    return fs.S3FileSystem(
        access_key=options.get("key"),
        secret_key=options.get("secret"),
        session_token=options.get("token"),
        endpoint_override=endpoint,
        # Servers other than Amazon's seldom care for the region, and asking Amazon for one would fail there.
        region=region or ("us-east-1" if endpoint else None),
        connect_timeout=_CONNECT_SECONDS,
        # A small object is one PUT. A missing bucket is then told when the object is closed.
        allow_delayed_open=True,
        tls_ca_file_path=environment.get("AWS_CA_BUNDLE"),
        retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=_ATTEMPTS),
    )


def _check_credentials(options: Mapping[str, str | None]) -> None:
    """Check that a file with credentials that was promised is there: without it the client would ask as nobody.

    Raises:
        OSError: it is not. No FileNotFoundError, which means a missing object.
    """
    named = os.environ.get("AWS_SHARED_CREDENTIALS_FILE")
    others = (options.get("key"), *map(os.environ.get, ("AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE")))
    if named and not any(others) and not Path(named).is_file():
        raise OSError(f"its credentials {named} are not there: make the Secret that holds them, with a key credentials")


class S3FileSystem(AbstractFileSystem):  # type: ignore[misc]  # fsspec has no types
    """Buckets and keys as folders and files. Nothing is cached: what others write is seen at once.

    An object appears whole or not at all, so `pipe_file` never shows a reader a part of it.

    Args:
        key, secret, token: credentials. Without them the AWS chain is asked: the environment, the files of the AWS
            command line, the pod's or the machine's role.
        endpoint_url: address of a server other than Amazon's; AWS_ENDPOINT_URL when not given.
        region: AWS_REGION when not given.

    Raises:
        ValueError: for an option of another name, or a key without its secret.
        OSError: the file that AWS_SHARED_CREDENTIALS_FILE names is not there, and nothing else gives credentials.
    """

    protocol = ("s3",)
    root_marker = ""

    def __init__(self, **options: Any) -> None:
        own = {name: options.pop(name, None) for name in OPTIONS}
        unknown = set(options) - {"asynchronous", "loop", "batch_size", "use_listings_cache", "skip_instance_cache"}
        if unknown:
            raise ValueError(f"{min(unknown)!r} is no option of s3; its options are {', '.join(sorted(OPTIONS))}")
        if bool(own["key"]) != bool(own["secret"]):
            raise ValueError("of the options key and secret of s3, one is given and the other is not")
        super().__init__(**options)
        self.arrow = _connect(own)

    def info(self, path: str, **kwargs: Any) -> dict[str, Any]:
        """Name, size, type and time of a key.

        Raises:
            FileNotFoundError: when neither it nor anything below it is there.
        """
        del kwargs
        found = self.arrow.get_file_info(self._strip_protocol(path))
        if found.type.name == "NotFound":
            raise FileNotFoundError(f"s3://{self._strip_protocol(path)} is not there")
        return _described(found)

    def exists(self, path: str, **kwargs: Any) -> bool:
        """Whether it is there; an S3 that cannot be asked is an error, and no answer."""
        try:
            self.info(path, **kwargs)
        except FileNotFoundError:
            return False
        return True

    def ls(self, path: str, detail: bool = True, **kwargs: Any) -> list[Any]:  # noqa: FBT002  fsspec's signature
        """What lies directly below a prefix.

        Raises:
            FileNotFoundError: when nothing is there.
        """
        del kwargs
        entries = self._below(self._strip_protocol(path), recursive=False)
        return entries if detail else [entry["name"] for entry in entries]

    def find(self, path: str, maxdepth: int | None = None, withdirs: bool = False, **kwargs: Any) -> Any:  # noqa: FBT002
        """All keys below a prefix, by name; none when nothing is there. fsspec's own would pass over errors."""
        root = self._strip_protocol(path)
        try:
            entries = self._below(root, recursive=maxdepth != 1)
        except FileNotFoundError:
            entries = []
        deepest = maxdepth + (root.count("/") if root else -1) if maxdepth else None
        kept = {
            entry["name"]: entry
            for entry in sorted(entries, key=lambda entry: str(entry["name"]))
            if (withdirs or entry["type"] == "file") and (deepest is None or entry["name"].count("/") <= deepest)
        }
        return kept if kwargs.get("detail") else list(kept)

    def _below(self, path: str, *, recursive: bool) -> list[dict[str, Any]]:
        from pyarrow import fs  # noqa: PLC0415  as above

        try:
            return [_described(each) for each in self.arrow.get_file_info(fs.FileSelector(path, recursive=recursive))]
        except FileNotFoundError:
            return [self._file(path)]

    def _file(self, path: str) -> dict[str, Any]:
        found = self.info(path)
        if found["type"] != "file":
            raise FileNotFoundError(f"s3://{path} is not there")
        return found

    def _open(self, path: str, mode: str = "rb", **kwargs: Any) -> IO[bytes]:
        del kwargs
        if mode == "rb":
            # Many small reads become one request.
            return io.BufferedReader(self.arrow.open_input_file(path), _READ_AHEAD)
        if mode == "wb":
            return _Upload(self, path)
        raise ValueError(f"objects of s3 are read (rb) or written whole (wb), and not opened with {mode}")

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **kwargs: Any) -> bytes:
        """Bytes of an object, or of a part of it, all from one state of it.

        Raises:
            FileNotFoundError: when it is not there.
            OSError: when it cannot be read, or is replaced all the time.
        """
        del kwargs
        key = self._strip_protocol(path)
        for _ in range(_READINGS):
            with self.arrow.open_input_file(key) as file:
                content: bytes = file.read()
            # Arrow asks for the size first, and for so many bytes then: of an object that grew meanwhile, a part.
            if self.arrow.get_file_info(key).size == len(content):
                return content[start:end]
        raise OSError(f"s3://{key} is written anew again and again while it is read")

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **kwargs: Any) -> None:
        """Write an object whole.

        Raises:
            ValueError: with another mode than overwrite.
        """
        del kwargs
        if mode != "overwrite":
            raise ValueError(f"objects of s3 are written with the mode overwrite, and not {mode}")
        with self.arrow.open_output_stream(self._strip_protocol(path)) as file:
            file.write(value)

    def mkdir(self, path: str, create_parents: bool = True, **kwargs: Any) -> None:  # noqa: FBT002
        """Nothing: a prefix is there as soon as something lies below it."""

    def makedirs(self, path: str, exist_ok: bool = False) -> None:  # noqa: FBT002
        """Nothing, as `mkdir`."""

    def rm_file(self, path: str) -> None:
        """Remove an object."""
        self.arrow.delete_file(self._strip_protocol(path))

    def rm(self, path: Any, recursive: bool = False, maxdepth: int | None = None) -> None:  # noqa: FBT002
        """Remove an object or, with recursive, everything below a prefix."""
        del maxdepth
        for each in [path] if isinstance(path, str) else path:
            for name in self.find(each) if recursive else [each]:
                self.rm_file(name)

    def cp_file(self, path1: str, path2: str, **kwargs: Any) -> None:
        """Copy an object."""
        del kwargs
        self.arrow.copy_file(self._strip_protocol(path1), self._strip_protocol(path2))

    def modified(self, path: str) -> datetime:
        """When an object was written."""
        moment: datetime = self.info(path)["mtime"]
        return moment


def _described(found: Any) -> dict[str, Any]:
    directory = found.type.name == "Directory"
    return {
        "name": found.path,
        "size": 0 if directory else found.size,
        "type": "directory" if directory else "file",
        "mtime": found.mtime,
    }


class _Upload(tempfile.SpooledTemporaryFile[bytes]):
    """A file that becomes an object when it is closed, and nothing when its `with` block fails."""

    def __init__(self, filesystem: S3FileSystem, path: str) -> None:
        super().__init__(max_size=_HELD)
        self._filesystem = filesystem
        self._path = path

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        super().close() if kind else self.close()

    def close(self) -> None:
        if self.closed:
            return
        try:
            self.seek(0)
            with self._filesystem.arrow.open_output_stream(self._path) as stream:
                while chunk := self.read(_HELD):
                    stream.write(chunk)
        finally:
            super().close()
