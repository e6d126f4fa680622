"""Every path of the contract has its route; every other one is not found, or not for that method."""

import pytest

from evermodel.serving.faults import MethodError, NotFoundError
from evermodel.serving.routes import Name, Route, match


@pytest.mark.parametrize(
    ("method", "path", "route"),
    [
        ("GET", "/v2", Route(Name.SERVER)),
        ("GET", "/v2/", Route(Name.SERVER)),
        ("GET", "/v2/health/live", Route(Name.LIVE)),
        ("HEAD", "/v2/health/ready", Route(Name.READY)),
        ("GET", "/v2/models/heart", Route(Name.MODEL, "heart")),
        ("GET", "/v2/models/heart/versions/3", Route(Name.MODEL, "heart", "3")),
        ("GET", "/v2/models/heart/versions/heart-3/ready", Route(Name.MODEL_READY, "heart", "heart-3")),
        ("GET", "/v2/models/heart/ready", Route(Name.MODEL_READY, "heart")),
        ("POST", "/v2/models/heart/infer", Route(Name.INFER, "heart")),
        ("POST", "/v2/models/heart/versions/3/infer", Route(Name.INFER, "heart", "3")),
        ("POST", "/v2/models/h%20t/infer", Route(Name.INFER, "h t")),
        ("POST", "/v2/models/heart/feedback", Route(Name.FEEDBACK, "heart")),
        ("POST", "/v1/models/heart:predict", Route(Name.V1_PREDICT, "heart")),
        ("GET", "/v1/models/heart", Route(Name.V1_MODEL, "heart")),
        ("GET", "/v2/model/84,23,53,43/prediction", Route(Name.VALUES, values="84,23,53,43")),
        ("GET", "/v2/model/heart/84,a%2Fb/prediction", Route(Name.VALUES, "heart", values="84,a%2Fb")),
        ("GET", "/v2/model/heart", Route(Name.CARD, "heart")),
        ("GET", "/metrics", Route(Name.METRICS)),
        ("GET", "/", Route(Name.PAGE)),
        ("GET", "/docs/", Route(Name.PAGE, page="docs")),
        ("GET", "/openapi.json", Route(Name.PAGE, page="openapi.json")),
    ],
)
def test_the_contract_s_paths(method, path, route):
    assert match(method, path) == route


@pytest.mark.parametrize(
    "path",
    [
        "/v3",
        "/v2/nope",
        "/v2/models/a/b",
        "/v2/models//infer",
        "/v1/models/a:explain",
        "/v2/models/a/versions",
        "///",
        "",
        "/v2/model",
    ],
)
def test_other_paths_are_not_found(path):
    with pytest.raises(NotFoundError):
        match("GET", path)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/v2/models/a/infer", b"POST"),
        ("POST", "/v2", b"GET, HEAD"),
        ("DELETE", "/v1/models/a:predict", b"POST"),
    ],
)
def test_a_wrong_method_says_which_is_right(method, path, allowed):
    with pytest.raises(MethodError) as caught:
        match(method, path)
    assert caught.value.headers == ((b"allow", allowed),)
