"""A graph of ONNX, written node by node or taken over from a converter. Names follow from the order of writing."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

OPSET = 18
ML_OPSET = 3
_IR_VERSION = 10
MISSING = ""
"""What stands for a missing category: ONNX has no missing text."""


class Graph:
    """Grows by one node at a time. A tensor is known by its name."""

    def __init__(self) -> None:
        self._nodes: list[NodeProto] = []
        self._constants: dict[bytes, str] = {}
        self._tensors: list[TensorProto] = []
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []
        self._opsets = {"": OPSET, "ai.onnx.ml": ML_OPSET}
        self._taken = 0

    def take(self, name: str, kind: int) -> str:
        """Declare an input of shape (rows, 1)."""
        self._inputs.append(helper.make_tensor_value_info(name, kind, ["rows", 1]))
        return name

    def give(self, name: str, tensor: str, kind: int, shape: Sequence[str | int]) -> None:
        """Declare an output."""
        self._nodes.append(helper.make_node("Identity", [tensor], [name], name=name))
        self._outputs.append(helper.make_tensor_value_info(name, kind, list(shape)))

    def constant(self, values: NDArray[Any]) -> str:
        """A tensor that is part of the model; equal ones are kept once."""
        array = np.ascontiguousarray(values)
        text = array.dtype == object
        raw = repr(array.tolist()).encode() if text else array.tobytes()
        key = f"{array.dtype}{array.shape}".encode() + raw
        if key not in self._constants:
            name = self._constants[key] = f"constant{len(self._constants)}"
            self._tensors.append(numpy_helper.from_array(array, name))
        return self._constants[key]

    def add(self, kind: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """A node with one output; its name."""
        name = f"{kind}.{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, list(inputs), [name], name=name, domain=domain, **attributes))
        return name

    def cast(self, tensor: str, kind: int) -> str:
        """The tensor as another type."""
        return self.add("Cast", tensor, to=kind)

    def columns(self, tensor: str, places: NDArray[np.int64]) -> str:
        """Some columns of a tensor of shape (rows, columns)."""
        return self.add("Gather", tensor, self.constant(places.astype(np.int64)), axis=1)

    def side_by_side(self, tensors: Sequence[str]) -> str:
        """Tensors of shape (rows, ...) as one."""
        return tensors[0] if len(tensors) == 1 else self.add("Concat", *tensors, axis=1)

    def embed(self, model: ModelProto, tensor: str) -> list[str]:
        """Take over a model with one input, which is `tensor`; the names of its outputs here."""
        prefix = f"part{self._taken}."
        self._taken += 1
        renamed = {model.graph.input[0].name: tensor, "": ""}
        _rename(model.graph, prefix, renamed)
        self._nodes.extend(model.graph.node)
        self._tensors.extend(model.graph.initializer)
        for opset in model.opset_import:
            self._opsets.setdefault(opset.domain, opset.version)
        return [renamed[output.name] for output in model.graph.output]

    def encode(self, metadata: Mapping[str, str]) -> bytes:
        """The model's bytes: the same for the same nodes in the same order."""
        graph = helper.make_graph(self._nodes, "evermodel", self._inputs, self._outputs, self._tensors)
        opsets = [helper.make_opsetid(domain, version) for domain, version in sorted(self._opsets.items())]
        model = helper.make_model(graph, producer_name="evermodel", opset_imports=opsets, ir_version=_IR_VERSION)
        helper.set_model_props(model, dict(sorted(metadata.items())))
        content: bytes = model.SerializeToString(deterministic=True)
        return content


def _rename(graph: GraphProto, prefix: str, renamed: dict[str, str]) -> None:
    """Give every name of a graph the prefix, in place, but for those in `renamed`, which grows."""

    def new(name: str) -> str:
        return renamed.setdefault(name, prefix + name)

    for tensor in graph.initializer:
        tensor.name = new(tensor.name)
    for node in graph.node:
        node.name = prefix + node.name
        node.input[:] = [new(name) for name in node.input]
        node.output[:] = [new(name) for name in node.output]
        for attribute in node.attribute:
            if attribute.type == AttributeProto.GRAPH:
                inner = attribute.g
                for value in [*inner.input, *inner.output]:
                    value.name = new(value.name)
                _rename(inner, prefix, renamed)
