"""What the pods of a version are told."""

import pytest
from world import SETTINGS, World, deployment, trained, training

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
