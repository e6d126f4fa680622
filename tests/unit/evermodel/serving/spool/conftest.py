"""A stream of numbered things, and a store that can be away."""

import json
from collections import Counter
from typing import Any

from evermodel.serving.spool.segment import Records
from evermodel.serving.spool.stream import File, Origin


class NumbersForm:
    """Each record is the text of a number; a file is the list of them."""

    kind = "numbers"

    def __init__(self, name: str = "one") -> None:
        self.key = (name,)

    @classmethod
    def of_document(cls, document: dict[str, Any]) -> "NumbersForm":
        return cls(document["name"])

    def document(self) -> dict[str, Any]:
        return {"kind": self.kind, "name": self.key[0]}

    def count(self, records: Records) -> int:
        return len(records)

    def files(self, records: Records, origin: Origin) -> list[File]:
        texts = [
            records.content[entry["place"] : entry["place"] + entry["length"]].tobytes() for entry in records.index
        ]
        if b"poison" in texts:
            raise ValueError("a record that no file can hold")
        numbers = [int(text.split()[0]) for text in texts]
        return [File(f"{self.key[0]}/{origin.name}-{origin.first:08d}", json.dumps(numbers).encode())]


FORMS = {"numbers": NumbersForm.of_document}


class DiedError(BaseException):
    """The process ends here, whatever it was doing."""


class Store:
    """Files by their names; `fails` is asked before each writing, `dies` says when a process ends beside one."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.away = False
        self.dies: str = ""
        self.tries = 0

    def write(self, uri: str, content: bytes | memoryview) -> None:
        self.tries += 1
        if self.away:
            raise ConnectionError("the store is away")
        when, self.dies = self.dies, ""
        if when == "before":
            raise DiedError
        self.files[uri] = bytes(content)
        if when == "after":
            raise DiedError

    def numbers(self) -> Counter[int]:
        return Counter(number for content in self.files.values() for number in json.loads(content))


def payload(number: int, size: int = 0) -> bytes:
    return f"{number} {'x' * size}".encode()
