"""Damaged `compiled.bin` files: `python -m tests.fuzz.models --cases 5000 [--kernel LIBRARY]`.

Runs apart from the tests, so that a crash of the process is seen; with a kernel that was compiled with sanitizers, reads
outside of an array end it too. Says how many files were refused, and how many answered.
"""

import argparse
import json
import struct
from collections import Counter
from copy import deepcopy
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

EDGES = [
    0,
    1,
    -1,
    2,
    7,
    63,
    64,
    2**15,
    2**31 - 1,
    -(2**31),
    2**32,
    2**40 - 1,
    2**40,
    2**63 - 1,
    10**30,
    0.5,
    -0.0,
    1e308,
]
ODD = [None, True, "", "x", [], {}, [0], [2**39, 2**39, 0], [2**31, 2**31], "f8", "i4", "u1", *EDGES]


def originals() -> list[bytes]:
    """Compiled models of all kinds: a linear one, trees with gaps, boosters of several classes, one made of others."""
    from evermodel.artifact.manifest import COMPILED
    from evermodel_api.training import Task
    from tests.unit.evermodel.compiled.pipelines import make

    linear, trees = {"a": {"LogisticRegression": {}}}, {"b": {"RandomForestClassifier": {"n_estimators": 3}}}
    made = [
        make(Task.CLASSIFICATION, "LogisticRegression", classes=3),
        make(Task.CLASSIFICATION, "RandomForestClassifier", {"n_estimators": 5}, classes=3),
        make(Task.REGRESSION, "HistGradientBoostingRegressor", {"max_iter": 5}, numbers=({"StandardScaler": {}},)),
        make(Task.CLASSIFICATION, "XGBClassifier", {"n_estimators": 4}, classes=3, numbers=({"StandardScaler": {}},)),
        make(Task.CLASSIFICATION, "StackingClassifier", {"estimators": [linear, trees], "cv": 3}),
    ]
    return [one.forms.files[COMPILED] for one in made]


def damaged(content: bytes, random: Random) -> bytes:
    """Some bytes, some numbers in an array, or some values of the header are others; the header may lie."""
    size = struct.unpack("<Q", content[8:16])[0]
    kind = random.choice(["bytes", "header", "numbers", "numbers", "length"])
    data = bytearray(content)
    if kind == "bytes":
        for _ in range(random.randint(1, 8)):
            data[random.randrange(len(data))] = random.randrange(256)
    elif kind == "numbers":
        start = 16 + size
        for _ in range(random.randint(1, 4)):
            place = random.randrange(start // 4 + 1, len(data) // 4 - 1) * 4
            form, edges = random.choice(
                [("<i", [0, 1, -1, 5, 2**31 - 1, -(2**31)]), ("<d", [np.nan, np.inf, -1.0, 1e308, 3.5])]
            )
            struct.pack_into(form, data, min(place, len(data) - 8), random.choice(edges))
    elif kind == "length":
        return bytes(data[: random.randrange(len(data))] + bytes(random.choice([0, 0, 1, 64, 4096])))
    else:
        return with_header(content, size, random)
    return bytes(data)


def with_header(content: bytes, size: int, random: Random) -> bytes:
    """One to three values of the header are others, and the file is as long as it was, or as it says."""
    header = json.loads(content[16 : 16 + size])
    for _ in range(random.randint(1, 3)):
        at: Any = header
        while True:
            key = random.choice(list(at) if isinstance(at, dict) else range(len(at)))
            if not isinstance(at[key], dict | list) or not at[key] or random.random() < 0.1:
                break
            at = at[key]
        at[key] = deepcopy(random.choice(ODD))
    text = json.dumps(header).encode()
    start = content[:8] + len(text).to_bytes(8, "little") + text
    body = content[16 + size + -(16 + size) % 64 :]
    return start + bytes(-len(start) % 64) + body


def tried(content: bytes) -> str:
    """What became of it; anything but a refusal or an answer raises."""
    from evermodel.compiled.file import decode
    from evermodel.errors import DataError

    try:
        program, check = decode(content)
    except DataError as error:
        assert error.reason == "ArtifactInvalid"
        assert "\n" not in str(error)
        return "refused"
    with np.errstate(all="ignore"):
        check.difference(program)
        orders = [np.random.default_rng(place).permutation(len(check.rows.values)) for place in range(program.columns)]
        values = np.column_stack([check.rows.values[order, place] for place, order in enumerate(orders)])
        texts = {place: [cells[row] for row in orders[place]] for place, cells in check.rows.texts.items()}
        try:
            program.predict(values, texts)
        except (ValueError, LookupError):  # as for the check's own rows: then it is not served
            return "refused rows"
    return "answered"


def main() -> None:
    """Try so many, and say what became of them."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.models", description=__doc__)
    parser.add_argument("--cases", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kernel", type=Path, help="another build of the kernel")
    parser.add_argument("--originals", type=Path, help="folder of compiled models; they are made when it is empty")
    arguments = parser.parse_args()
    files = sorted(arguments.originals.iterdir()) if arguments.originals else []
    contents = [file.read_bytes() for file in files]
    if not contents:
        contents = originals()
        for number, content in enumerate(contents if arguments.originals else []):
            (arguments.originals / f"{number}.bin").write_bytes(content)
    if arguments.kernel:
        from evermodel.compiled import kernel

        kernel._libraries.cache_clear()
        kernel.library_path = lambda: arguments.kernel
    random, found = Random(arguments.seed), Counter[str]()
    for content in contents:
        assert tried(content) == "answered"
    for number in range(arguments.cases):
        content = damaged(random.choice(contents), random)
        try:
            found[tried(content)] += 1
        except Exception as error:
            raise SystemExit(f"case {number} of seed {arguments.seed}: {error!r}") from error
    print(dict(found))  # noqa: T201


if __name__ == "__main__":
    main()
