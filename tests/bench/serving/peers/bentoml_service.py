"""BentoML with one worker."""

from typing import Any

import bentoml
from loaded import by_name, predict

if by_name:
    Rows = list[dict[str, Any]]
else:
    import numpy as np

    Rows = np.ndarray


@bentoml.service(workers=1, traffic={"timeout": 60}, logging={"access": {"enabled": False}})
class Service:
    @bentoml.api
    def predict(self, instances: Rows) -> list[int]:
        return predict(instances)
