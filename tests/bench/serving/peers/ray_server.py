"""Ray Serve with one replica, which reads the request itself."""

import os
import signal

import ray
from ray import serve
from ray.serve.schema import LoggingConfig
from starlette.requests import Request


@serve.deployment(num_replicas=1, max_ongoing_requests=100, ray_actor_options={"num_cpus": 0.5})
class Model:
    def __init__(self):
        from loaded import predict

        self.answer = predict

    async def __call__(self, request: Request):
        return {"predictions": self.answer((await request.json())["instances"])}


if __name__ == "__main__":
    environment = {name: os.environ[name] for name in ("MODEL_DIR", "PYTHONPATH")}
    ray.init(
        num_cpus=2,
        include_dashboard=False,
        object_store_memory=200 << 20,
        log_to_driver=False,
        _node_ip_address="127.0.0.1",
        runtime_env={"env_vars": environment},
    )
    http = {"host": "127.0.0.1", "port": int(os.environ["PORT"])}
    serve.start(http_options=http, logging_config=LoggingConfig(enable_access_log=False))
    serve.run(Model.bind(), route_prefix="/predict")
    signal.pause()
