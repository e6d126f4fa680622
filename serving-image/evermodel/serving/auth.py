"""API keys: who may ask. Each file of a directory is one key, and its name is the key's name.

A key is known by its digest only, and compared with all known ones in constant time. It is never written anywhere; logs
name it by its file.
"""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from hmac import compare_digest
from pathlib import Path

from evermodel.errors import SpecError
from evermodel.serving.faults import UnauthorizedError
from evermodel.serving.watch import Watched, is_file_of_secret, say

SHORTEST = 16
"""Characters that a key has at least."""
LONGEST = 4096
"""Bytes of a file that holds a key at most."""
_ASK = "send it as Authorization: Bearer KEY or as X-API-Key: KEY"
_CHALLENGE = b'Bearer realm="evermodel"'

Known = tuple[tuple[bytes, str], ...]
"""Digest and name of each key."""


def parse_key(name: str, content: bytes) -> bytes:
    """The key in a file; white space around it does not belong to it.

    Raises:
        SpecError: `KeyInvalid`.
    """
    key = content.strip()
    if len(key) < SHORTEST:
        sentence = f"API key {name} has {len(key)} characters; write one of {SHORTEST} or more, such as 32 random ones"
        raise SpecError("KeyInvalid", sentence)
    if len(key) > LONGEST or not all(33 <= byte <= 126 for byte in key):
        sentence = f"API key {name} cannot be sent in a header; write at most {LONGEST} printable ASCII characters"
        raise SpecError("KeyInvalid", f"{sentence} without spaces")
    return key


def read_keys(directory: Path) -> tuple[Known, list[SpecError]]:
    """The keys of a directory, by name, and what is wrong with the files that hold none.

    Raises:
        SpecError: `KeysMissing`, the directory cannot be read.
    """
    known, faults = [], []
    try:
        files = sorted(path for path in directory.iterdir() if is_file_of_secret(path))
    except OSError as error:
        raise _missing(directory, error.strerror or "it cannot be read") from error
    for file in files:
        try:
            with file.open("rb") as opened:
                key = parse_key(file.name, opened.read(LONGEST + 64))
        except OSError as error:
            faults.append(SpecError("KeyInvalid", f"API key {file.name} cannot be read: {error.strerror}"))
        except SpecError as error:
            faults.append(error)
        else:
            known.append((sha256(key).digest(), file.name))
    return tuple(known), faults


def _missing(directory: Path, why: str) -> SpecError:
    text = (
        f"there are no API keys in {directory} ({why}); put one file for each key there, or one entry into the Secret"
    )
    return SpecError("KeysMissing", text)


def given_key(headers: Mapping[bytes, bytes]) -> bytes | None:
    """The key that a request brings; None where it brings none.

    >>> given_key({b"authorization": b"Bearer abc"}), given_key({b"x-api-key": b"abc"}), given_key({})
    (b'abc', b'abc', None)
    """
    authorization = headers.get(b"authorization")
    if authorization is not None and authorization[:7].lower() == b"bearer ":
        return authorization[7:].strip()
    key = headers.get(b"x-api-key")
    return None if key is None else key.strip()


class Keys(Watched):
    """The keys of a directory, which may change while the server runs: a key counts two seconds after its file came.

    A file that goes takes its key with it, also the last one: then nobody may ask. A file that holds no proper key is
    told on standard error and is no key; where a server starts, it is an error.
    """

    def __init__(self, directory: Path) -> None:
        """Read the keys.

        Raises:
            SpecError: `KeysMissing`, `KeyInvalid`.
        """
        super().__init__(directory)
        self._known, faults = read_keys(directory)
        if faults:
            raise faults[0]
        if not self._known:
            raise _missing(directory, "it is empty")

    def find(self, headers: Mapping[bytes, bytes]) -> str | None:
        """Name of the key that a request brings; None where it brings none that is known."""
        given = given_key(headers)
        if given is None:
            return None
        digest, found = sha256(given).digest(), None
        for known, name in self._known:  # all of them, so that the time says nothing
            if compare_digest(known, digest):
                found = name
        return found

    def refuse(self, headers: Mapping[bytes, bytes]) -> UnauthorizedError | None:
        """What a client is told whose headers hold no valid key; None for one that may ask."""
        if self.find(headers) is not None:
            return None
        if given_key(headers) is None:
            sentence, challenge = f"an API key is needed here; {_ASK}", _CHALLENGE
        else:
            sentence = f"the API key is not one that is known here; {_ASK}"
            challenge = _CHALLENGE + b', error="invalid_token"'
        return UnauthorizedError(sentence, [(b"www-authenticate", challenge)])

    @property
    def names(self) -> Sequence[str]:
        """Names of the keys."""
        return [name for _, name in self._known]

    def reload(self) -> None:
        """Take the keys as they are now."""
        try:
            known, faults = read_keys(self.directory)
        except SpecError as error:
            known, faults = (), [error]
        self._known = known
        for fault in faults:
            say(f"{fault}; it is no key")
        names = ", ".join(self.names) or "none: every request is refused"
        say(f"the API keys have changed; known are now {names}")
