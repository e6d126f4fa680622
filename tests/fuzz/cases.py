"""Requests: valid ones, valid ones with a changed part, and bytes."""

import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from hypothesis import strategies as st

from evermodel.artifact.signature import ColumnSignature, Signature


@dataclass(frozen=True)
class Case:
    """One request."""

    model: str
    form: str
    """v1, v2, values, feedback, or other: nothing is compared."""
    method: str
    path: bytes
    body: bytes = b""
    headers: tuple[tuple[bytes, bytes], ...] = ()
    raw: bool = field(default=False)
    """The body is what is sent, head and all."""

    def encode(self) -> bytes:
        """The bytes to send."""
        if self.raw:
            return self.body
        lines = [self.method.encode() + b" " + self.path + b" HTTP/1.1", b"host: a"]
        lines += [name + b": " + value for name, value in self.headers]
        if self.method == "POST":
            lines.append(b"content-length: %d" % len(self.body))
        return b"\r\n".join(lines) + b"\r\n\r\n" + self.body


_ODD_TEXTS = ["", " ", "1", "nan", "inf", "1e999", "\x00", "é\U0001f600", "x" * 300]
_ODD_NUMBERS = [2**64 - 1, -(2**63), 1e308, -1e308, 5e-324, 1e39, 0.1, -0.0]
ODD = st.sampled_from([None, True, False, [], {}, [[]], {"name": "x"}, [1, 2], *_ODD_TEXTS, *_ODD_NUMBERS])
NUMBERS = st.one_of(
    st.integers(-100, 3000),
    st.floats(-1e4, 1e4),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0, -0.0, 0.5, 1e30, 3e38, 3.5e38, 16777217, 2**53 + 1]),
)


def cells(column: ColumnSignature) -> st.SearchStrategy[Any]:
    """Cells that a column takes."""
    kinds: list[st.SearchStrategy[Any]]
    if column.kind == "number":
        kinds = [NUMBERS]
    elif column.datatype == "BOOL":
        kinds = [st.booleans(), st.sampled_from(["true", "False", "1", 0, 1.0])]
    else:
        kinds = [st.sampled_from(column.levels), st.text(max_size=8), st.integers(0, 9)]
    return st.one_of(*kinds, st.none()) if column.takes_missing else st.one_of(kinds)


def rows(signature: Signature) -> st.SearchStrategy[list[list[Any]]]:
    """Rows that a model takes."""
    row = st.tuples(*(cells(column) for column in signature.columns)).map(list)
    few = st.lists(row, min_size=1, max_size=4)
    return st.one_of(few, few, few, st.tuples(row, st.integers(90, 140)).map(lambda pair: [pair[0]] * pair[1]))


def _tensor(name: str, kind: str, values: list[Any], width: int | None, *, nested: bool) -> dict[str, Any]:
    shape = [len(values)] if width is None else [len(values), width]
    flat = values if width is None else [cell for row in values for cell in row]
    return {"name": name, "datatype": kind, "shape": shape, "data": values if nested else flat}


@st.composite
def documents(draw, signature: Signature) -> tuple[str, Any]:
    """A valid body: its form, and the document."""
    found = draw(rows(signature))
    names, form = signature.names, draw(st.sampled_from(["v1", "v1 objects", "v2", "v2 columns"]))
    more = draw(st.sampled_from([{}, {}, {"id": "my-id"}, {"id": None}, {"parameters": {}}]))
    if form == "v1":
        return "v1", {"instances": found, **more}
    if form == "v1 objects":
        return "v1", {"instances": [dict(zip(names, row, strict=True)) for row in found], **more}
    nested = draw(st.booleans())
    asked = draw(st.sampled_from([{}, {"outputs": []}, {"outputs": [{"name": "predict"}]}]))
    if form == "v2" and all(column.kind == "number" for column in signature.columns):
        return "v2", {"inputs": [_tensor("rows", "FP64", found, len(names), nested=nested)], **asked, **more}
    inputs = []
    for place, column in enumerate(signature.columns):
        kind = "FP64" if column.kind == "number" else column.datatype
        values = [row[place] for row in found]
        if kind == "BOOL":
            values = [value if isinstance(value, bool | None) else bool(place % 2) for value in values]
        elif kind == "BYTES":
            values = [value if value is None else str(value) for value in values]
        inputs.append(_tensor(column.name, kind, values, None, nested=nested))
    return "v2", {"inputs": inputs, **asked, **more}


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in list(inner)[:30] for place in _places(item, (*path, key)))]


def _put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = _put(copy[path[0]], path[1:], new)
    return copy


@st.composite
def changed_bytes(draw, content: bytes) -> bytes:
    """Bytes of which a few were changed, lost, put in or doubled, or which break off."""
    data = bytearray(content)
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, len(data)))
        data[place : place + draw(st.integers(0, 3))] = draw(st.binary(max_size=3))
    if draw(st.integers(0, 9)) == 0:
        del data[draw(st.integers(0, len(data))) :]
    return bytes(data)


HEADERS = st.lists(
    st.one_of(
        st.sampled_from(
            [
                (b"content-type", b"application/json"),
                (b"content-type", b"text/csv; \xff"),
                (b"content-encoding", b"gzip"),
                (b"x-request-id", b"a b"),
                (b"evermodel-request-id", b"\xe9" * 200),
                (b"accept", b"*/*"),
                (b"authorization", b"Bearer "),
                (b"inference-header-content-length", b"-1"),
                (b"traceparent", b"00-0-0-zz"),
                (b"connection", b"close"),
                (b"expect", b"200-never"),
                (b"upgrade", b"h2c"),
            ]
        ),
        st.tuples(
            st.from_regex(rb"[a-z-]{1,12}", fullmatch=True).filter(
                lambda name: name not in (b"content-length", b"transfer-encoding", b"host", b"connection", b"expect")
            ),
            st.binary(max_size=20).map(lambda value: bytes(b for b in value if b >= 32 and b != 127)),
        ),
    ),
    max_size=2,
).map(tuple)
PATHS = {"v1": b"/v1/models/%b:predict", "v2": b"/v2/models/%b/infer"}
_WORDS = b"v1 v2 models model versions 1 line rent infer ready feedback .. health live metrics prediction"
SEGMENTS = st.sampled_from([b"", *_WORDS.split(), *b"%2F %00 %ff docs 1,2 line:predict ?a=b".split()])


@st.composite
def requests(draw, signatures: dict[str, Signature]) -> Case:
    """A request, of whatever kind."""
    model = draw(st.sampled_from(sorted(signatures)))
    signature = signatures[model]
    kind = draw(st.sampled_from(["valid", "valid", "odd", "bytes", "values", "feedback", "path", "raw", "anything"]))
    if kind == "values":
        return draw(_values(model, signature))
    if kind == "feedback":
        return draw(_labels(model))
    if kind == "path":
        path = b"/" + b"/".join(draw(st.lists(SEGMENTS, max_size=5)))
        return Case(model, "other", draw(st.sampled_from(["GET", "POST", "HEAD", "PUT"])), path, b"{}")
    form, document = draw(documents(signature))
    if kind == "odd":
        for _ in range(draw(st.integers(1, 2))):
            document = _put(document, draw(st.sampled_from(_places(document))), draw(ODD))
    body = json.dumps(document, ensure_ascii=draw(st.booleans())).encode()
    if kind == "bytes":
        body = draw(changed_bytes(body))
    elif kind == "anything":
        body = draw(st.binary(max_size=40))
    case = Case(model, form, "POST", PATHS[form] % model.encode(), body, draw(HEADERS) if kind != "valid" else ())
    if kind == "raw":
        return Case(model, "other", "POST", case.path, draw(changed_bytes(case.encode())), raw=True)
    return case


@st.composite
def _values(draw, model: str, signature: Signature) -> Case:
    cells = draw(rows(signature))[0]
    if draw(st.integers(0, 3)) == 0:
        cells[draw(st.integers(0, len(cells) - 1))] = draw(ODD)
    texts = ["" if cell is None else cell if isinstance(cell, str) else json.dumps(cell) for cell in cells]
    segment = ",".join(quote(text, safe="") for text in texts).encode()
    if draw(st.integers(0, 5)) == 0:
        segment = draw(changed_bytes(segment)).translate(None, b" \r\n\t?#/")
    return Case(model, "values", "GET", b"/v2/model/%b/%b/prediction" % (model.encode(), segment))


@st.composite
def _labels(draw, model: str) -> Case:
    good = {"id": "a", "row": 0, "truth": draw(st.sampled_from([1, 1.5, "ill", [1, None], ["well"], True]))}
    document: Any = draw(st.sampled_from([good, [good, good], {"labels": [good]}]))
    if draw(st.booleans()):
        document = _put(document, draw(st.sampled_from(_places(document))), draw(ODD))
    body = json.dumps(document).encode()
    if draw(st.integers(0, 3)) == 0:
        body = draw(changed_bytes(body))
    return Case(model, "feedback", "POST", b"/v2/models/%b/feedback" % model.encode(), body, draw(HEADERS))
