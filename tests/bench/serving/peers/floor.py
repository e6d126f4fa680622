"""The floor: what a server cannot go below in Python. orjson and ONNX Runtime, no framework, nothing is checked.

`app` is ASGI (for uvicorn), `rsgi` is for granian. Requests and answers are those of the Open Inference Protocol.
"""

import os

import numpy as np
import onnxruntime
import orjson

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = options.inter_op_num_threads = 1
path = os.environ["MODEL_DIR"] + "/model.onnx"
session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
KINDS = {"tensor(float)": np.float32, "tensor(double)": np.float64, "tensor(string)": object}
kinds = {tensor.name: KINDS[tensor.type] for tensor in session.get_inputs()}
outputs = [session.get_outputs()[0].name]


def feed(inputs):
    """What ONNX Runtime takes: the one tensor, or one of shape (rows, 1) for each column."""
    if len(kinds) == 1:
        ((name, kind),) = kinds.items()
        return {name: np.array(inputs[0]["data"], kind).reshape(inputs[0]["shape"])}
    made = {}
    for tensor in inputs:
        kind = kinds[tensor["name"]]
        empty = "" if kind is object else np.nan
        made[tensor["name"]] = np.array([empty if v is None else v for v in tensor["data"]], kind).reshape(-1, 1)
    return made


def answer(body):
    labels = session.run(outputs, feed(orjson.loads(body)["inputs"]))[0].ravel()
    output = {"name": "predict", "datatype": "INT64", "shape": [len(labels)], "data": labels}
    return orjson.dumps({"model_name": "m", "outputs": [output]}, option=orjson.OPT_SERIALIZE_NUMPY)


async def app(scope, receive, send):
    parts, more = [], True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    body = answer(b"".join(parts))
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def rsgi(scope, protocol):
    protocol.response_bytes(200, [("content-type", "application/json")], answer(await protocol()))
