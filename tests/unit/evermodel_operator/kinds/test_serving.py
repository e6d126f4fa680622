"""What the pods of a version are told."""

import pytest
from world import DIGEST, SETTINGS, World, deployment, trained, training

from evermodel_api.deployment import DeploymentSpec
from evermodel_operator.kinds.serving import serving_order
from evermodel_operator.settings import Artifacts


@pytest.mark.parametrize(("allowed", "told"), [(False, None), (True, True)])
def test_pickles_are_named_in_the_order_only_where_the_admin_allows_them(
    world: World, allowed: bool, told: bool | None
):
    world.put(training())
    world.put(deployment())
    world.settle()
    world.end_job("heart-1", trained(1))
    world.settle()
    # an image from before the field refuses an order that has it, and old versions keep their images
    settings = SETTINGS.model_copy(update={"artifacts": Artifacts(allow_pickle=allowed)})
    spec = DeploymentSpec.model_validate(deployment()["spec"])

    order = serving_order(world.own("ModelDeployment", "heart"), world.own("ModelVersion", "heart-1"), spec, settings)

    assert order.dump().get("allowPickle") == told


ORDERED_WHEN_ASKED = {
    "keys": ({"auth": {"apiKeys": {"secretRef": {"name": "k"}}}}, "/run/secrets/evermodel-serving/keys"),
    "tls": ({"tls": {"secretRef": {"name": "t"}}}, "/run/secrets/evermodel-serving/tls"),
    "accessLog": ({"log": {"accessLog": True}}, True),
    "maxBodyBytes": ({"limits": {"maxBody": "1Mi"}}, 1048576),
    "maxRows": ({"limits": {"maxRows": 7}}, 7),
    "grpcPort": ({"expose": {"grpc": {}}}, 8081),
}


@pytest.mark.parametrize("field", ORDERED_WHEN_ASKED)
def test_an_image_is_told_of_a_field_only_where_somebody_asks(world: World, field: str):
    # given a version that is served by the image that made it, which may not know the field
    version = {"metadata": {"name": "heart-1"}, "spec": {"artifact": {"uri": "file:///a", "digest": DIGEST}}}
    asked, value = ORDERED_WHEN_ASKED[field]
    plain, wishing = (world.put(deployment(**changes)) for changes in ({}, asked))

    def told(thing):
        spec = DeploymentSpec.model_validate(thing["spec"])
        return serving_order(thing, version, spec, SETTINGS).dump()

    # then only the order that needs it carries it, and the log's settings are those that every image knows
    assert field not in told(plain)
    assert told(wishing)[field] == value
    assert set(told(wishing)["log"]) == {"sample", "redact", "flush"}
