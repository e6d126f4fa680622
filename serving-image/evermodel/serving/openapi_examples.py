"""Golden rows as examples: requests that work, and the answers that they get."""

from collections.abc import Callable
from typing import Any

from evermodel.artifact.golden import Cell
from evermodel.artifact.signature import ColumnSignature
from evermodel.serving.engine import ServedModel
from evermodel.serving.openapi_schemas import Document, header_references
from evermodel.serving.protocol.v2 import PREDICT, PREDICT_PROBA, label_datatype

_MOST = 3
MORE_HEADERS = header_references("Evermodel-Request-Id", "Evermodel-Version")
"""Headers of every answer."""


class GoldenExamples:
    """The first golden rows of a model, in every form; a request and its answer share a name and an id."""

    def __init__(self, served: ServedModel) -> None:
        self._served = served
        self._golden = served.documents.golden
        self._signature = served.signature

    def of(self, form: Callable[[int], Any]) -> Document:
        """`examples` of an object that takes them; nothing where the model has no golden rows."""
        shown = range(min(_MOST, len(self._golden.rows)))
        if not shown:
            return {}
        return {
            "examples": {
                f"golden-{row}": {"summary": f"Test row {row + 1}, with its answer", "value": form(row)}
                for row in shown
            }
        }

    def instances(self, row: int) -> Document:
        """A request of v1."""
        cells = zip(self._signature.columns, self._golden.rows[row], strict=True)
        return {"id": f"golden-{row}", "instances": [{c.name: _cell(c, cell) for c, cell in cells}]}

    def predictions(self, row: int) -> Document:
        """The answer of v1."""
        answer: Document = {"predictions": [self._golden.predictions[row]], **self._answered(row)}
        if self._golden.probabilities:
            answer["probabilities"] = [self._golden.probabilities[row]]
        return answer

    def inputs(self, row: int) -> Document:
        """A request of the Open Inference Protocol."""
        cells = zip(self._signature.columns, self._golden.rows[row], strict=True)
        return {"id": f"golden-{row}", "inputs": [_input(column, cell) for column, cell in cells]}

    def outputs(self, row: int) -> Document:
        """The answer of the Open Inference Protocol."""
        datatype, label = label_datatype(self._signature.classes), self._golden.predictions[row]
        shown = str(label) if datatype == "BYTES" else label
        outputs: list[Document] = [{"name": PREDICT, "datatype": datatype, "shape": [1], "data": [shown]}]
        if self._golden.probabilities:
            shares = self._golden.probabilities[row]
            outputs.append({"name": PREDICT_PROBA, "datatype": "FP64", "shape": [1, len(shares)], "data": shares})
        return {**self._answered(row), "outputs": outputs}

    def values(self, row: int) -> list[Cell]:
        """Values by position; an empty text is missing."""
        cells = zip(self._signature.columns, self._golden.rows[row], strict=True)
        return ["" if cell is None else _cell(column, cell) for column, cell in cells]

    def prediction(self, row: int) -> Document:
        """The answer to values by position, where the client names its request."""
        answer: Document = {"prediction": self._golden.predictions[row], **self._answered(row)}
        if self._golden.probabilities:
            answer["probabilities"] = self._golden.probabilities[row]
        return answer

    def label(self, row: int) -> Document:
        """What was true of the request that is the example of the same name."""
        return {"id": f"golden-{row}", "truth": self._golden.predictions[row]}

    def accepted(self, _row: int) -> Document:
        """The answer to a label."""
        return {"accepted": 1, "model_name": self._served.model, "model_version": self._served.version}

    def _answered(self, row: int) -> Document:
        return {"model_name": self._served.model, "model_version": self._served.version, "id": f"golden-{row}"}


def _cell(column: ColumnSignature, cell: Cell) -> Cell:
    """A cell as JSON has it: categories are text in the model, and true or false as what they are."""
    if column.datatype == "BOOL" and cell is not None:
        return str(cell).lower() in ("true", "1")
    return cell


def _input(column: ColumnSignature, cell: Cell) -> Document:
    shown = _cell(column, cell)
    text = column.datatype == "BYTES" and shown is not None and not isinstance(shown, str)
    return {"name": column.name, "shape": [1], "datatype": column.datatype, "data": [str(shown) if text else shown]}
