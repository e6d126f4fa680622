"""How reasons are asked for, in both protocols, and what is refused."""

import json

import numpy as np
import pytest

from evermodel.serving.faults import BadRequestError
from evermodel.serving.forms import form_of, read_question
from evermodel.serving.grpc import messages
from evermodel.serving.grpc.open_inference_pb2 import ModelInferRequest, ModelInferResponse
from evermodel.serving.protocol import csv_table, v2
from evermodel.serving.protocol.answers import Answers, Question
from evermodel.serving.protocol.reasons import Reason, asked_of
from evermodel.serving.routes import Name, Route
from tests.unit.evermodel.serving.protocol.test_v2 import LINE, MIXED, tensor

INPUTS = [tensor([1], [1], "x")]
V2, V1 = Route(Name.INFER, "m"), Route(Name.V1_PREDICT, "m")


def asked(route, **more):
    body = {"inputs": INPUTS, **more} if route is V2 else {"instances": [[1]], **more}
    return read_question(form_of(route, {}), route, {}, json.dumps(body).encode(), LINE)


def test_nothing_is_asked_for_where_nothing_is_named():
    for question in (asked(V2), asked(V1), asked(V2, outputs=[{"name": "predict"}]), asked(V1, explain=[])):
        assert question.reasons == ()
    assert asked_of(("predict", "interval", "predict_proba")) == ("interval",)


def test_reasons_are_named_beside_other_outputs_with_a_coverage_each():
    outputs = [{"name": "out_of_range"}, {"name": "predict"}, {"name": "interval", "parameters": {"coverage": 0.75}}]
    question = asked(V2, outputs=outputs)
    assert question.question.outputs == ("out_of_range", "predict", "interval")
    assert question.reasons == ("out_of_range", "interval")
    assert question.question.coverages == {"interval": 0.75}
    assert asked(V2, outputs=[{"name": "interval"}]).question.coverages == {"interval": 0.9}


def test_v1_names_them_in_explain():
    question = asked(V1, explain=["contributions", "interval", "interval"], coverage=0.5)
    assert question.reasons == ("contributions", "interval")
    assert question.question.coverages == {"interval": 0.5}


@pytest.mark.parametrize(
    ("route", "more", "words"),
    [
        (V2, {"outputs": [{"name": "reason"}]}, "must be one of predict, contributions, interval"),
        (V2, {"outputs": [{"name": "interval", "parameters": {"coverage": "0.9"}}]}, 'output "interval": the coverage'),
        (V2, {"outputs": [{"name": "interval", "parameters": {"coverage": 1}}]}, "between 0 and 1"),
        (V2, {"outputs": [{"name": "interval", "parameters": {"coverage": True}}]}, "between 0 and 1"),
        (V2, {"outputs": [{"name": "predict", "parameters": {"coverage": 0.9}}]}, "takes no coverage; interval and"),
        (V1, {"explain": "contributions"}, "explain: expected a list of contributions"),
        (V1, {"explain": ["predict"]}, "explain: expected a list"),
        (V1, {"explain": [["interval"]]}, "explain: expected a list"),
        (V1, {"explain": ["contributions"], "coverage": 0.9}, "nothing that is asked for takes one"),
        (V1, {"coverage": 0.9}, "nothing that is asked for takes one"),
        (V1, {"explain": ["interval"], "coverage": 0}, "coverage: the coverage must be a number"),
    ],
)
def test_what_is_not_understood_is_refused(route, more, words):
    with pytest.raises(BadRequestError, match=words.replace("[", r"\[")):
        asked(route, **more)


def test_how_they_are_written():
    reasons = {
        "contributions": Reason(np.array([[0.5, -1.0, 3.0]]), {"scale": "log-odds"}),
        "out_of_range": Reason(np.array([[True, False]]), {}),
    }
    answers = Answers(["yes"], np.array([[0.25, 0.75]]), "id-1", "m", "m-1", reasons)
    document = json.loads(v2.format_answers(answers, MIXED, ("out_of_range", "predict", "contributions")))
    assert document["outputs"] == [
        {"name": "out_of_range", "datatype": "BOOL", "shape": [1, 2], "data": [True, False]},
        {"name": "predict", "datatype": "BYTES", "shape": [1], "data": ["yes"]},
        {
            "name": "contributions",
            "datatype": "FP64",
            "shape": [1, 3],
            "parameters": {"scale": "log-odds"},
            "data": [0.5, -1.0, 3.0],
        },
    ]
    body = json.loads(form_of(V1, {}).write(answers, MIXED, asked(V1).question).body)
    assert body["predictions"] == ["yes"]
    assert body["contributions"] == [[0.5, -1.0, 3.0]]
    assert body["out_of_range"] == [[True, False]]


def test_over_grpc_they_are_asked_for_and_told_alike():
    # given a message that asks for an interval and for contributions
    message = ModelInferRequest(model_name="m")
    tensor_of_x = message.inputs.add(name="x", datatype="FP64", shape=[1])
    tensor_of_x.contents.fp64_contents.append(50.0)
    message.outputs.add(name="interval").parameters["coverage"].double_param = 0.75
    message.outputs.add(name="contributions")
    question, _ = messages.read_question(message, LINE, 10)
    assert (question.outputs, question.coverages) == (("interval", "contributions"), {"interval": 0.75})
    # when it is answered
    reasons = {
        "interval": Reason(np.array([[1.0, 2.0]]), {"coverage": 0.75}),
        "contributions": Reason(np.array([[3.0, 4.0]]), {"scale": "value"}),
    }
    answers = Answers([104.0], None, "id-1", "m", "m-1", reasons)
    response = ModelInferResponse.FromString(messages.write_answers(answers, LINE, question, raw=False))
    # then both are there, with what is said of them
    interval, contributions = response.outputs
    assert (list(interval.shape), list(interval.contents.fp64_contents)) == ([1, 2], [1.0, 2.0])
    assert interval.parameters["coverage"].double_param == 0.75
    assert list(contributions.contents.fp64_contents) == [3.0, 4.0]
    assert contributions.parameters["scale"].string_param == "value"


def test_as_bytes_they_keep_what_is_said_of_them():
    reasons = {"out_of_range": Reason(np.array([[True]]), {}), "interval": Reason(np.ones((1, 2)), {"coverage": 0.9})}
    answers = Answers([104.0], None, "id-1", "m", "m-1", reasons)
    question = Question([[1]], ("out_of_range", "interval"), frozenset({"out_of_range", "interval"}))
    head, following = v2.format_binary(answers, LINE, question)
    first, second = json.loads(head)["outputs"]
    assert (first["parameters"], following[0]) == ({"binary_data_size": 1}, b"\x01")
    assert second["parameters"] == {"coverage": 0.9, "binary_data_size": 16}
    assert np.frombuffer(following[1]).tolist() == [1.0, 1.0]


def test_a_table_has_no_place_for_them():
    answers = Answers([104.0], None, "id-1", "m", "m-1", {"out_of_range": Reason(np.array([[True]]), {})})
    with pytest.raises(BadRequestError, match="out_of_range is no column of a table; accept application/json"):
        csv_table.format_answers(answers, LINE, ("out_of_range",))
