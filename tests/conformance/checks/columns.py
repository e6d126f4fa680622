"""A table as one tensor for each column, with the content type pd: what MLServer and KServe read as a data frame."""

from __future__ import annotations

import copy

from tests.conformance.example import Document
from tests.conformance.requirement import NotOfferedError, demand, may
from tests.conformance.subject import Subject, demand_refusal

SOURCE = "MLServer and KServe, content_type pd"


def _columns(subject: Subject) -> list[Document]:
    if not subject.example.columns:
        raise NotOfferedError("no names of columns are known; give them with --input-file")
    return copy.deepcopy(subject.example.columns)


def _request(columns: list[Document]) -> Document:
    return {"parameters": {"content_type": "pd"}, "inputs": columns}


@may("columns.flat", SOURCE, "Columns may have the shape [rows].")
def flat_columns(subject: Subject) -> None:
    columns = [{**column, "shape": column["shape"][:1]} for column in _columns(subject)]
    demand(subject.outputs(_request(columns)) == subject.usual, "columns have another answer than the example")


@may("columns.upright", SOURCE, "Columns may have the shape [rows, 1], and mean the same.")
def upright(subject: Subject) -> None:
    columns = [{**column, "shape": [column["shape"][0], 1]} for column in _columns(subject)]
    demand(subject.outputs(_request(columns)) == subject.usual, "columns have another answer than the example")


@may("columns.order", SOURCE, "Columns are known by their names: their order does not matter.")
def order(subject: Subject) -> None:
    columns = _columns(subject)[::-1]
    demand(subject.outputs(_request(columns)) == subject.usual, "another order of columns has another answer")


@may("columns.missing", SOURCE, "A column too few is refused.")
def missing(subject: Subject) -> None:
    demand_refusal(subject.infer(_request(_columns(subject)[1:])), "a column too few")


@may("columns.uneven", SOURCE, "Columns of different lengths are refused.")
def uneven(subject: Subject) -> None:
    first, *rest = _columns(subject)
    if not rest:
        raise NotOfferedError("the model has one column")
    first["shape"], first["data"] = [first["shape"][0] + 1], [*first["data"], first["data"][0]]
    demand_refusal(subject.infer(_request([first, *rest])), "a column longer than the others")
