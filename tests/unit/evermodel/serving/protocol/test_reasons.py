"""How reasons are asked for, in both protocols, and what is refused."""

import json

import numpy as np
import pytest

from evermodel.serving.faults import BadRequestError
from evermodel.serving.forms import form_of, read_question
from evermodel.serving.protocol import v2
from evermodel.serving.protocol.answers import Answers
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
