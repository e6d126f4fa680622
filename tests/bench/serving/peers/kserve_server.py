"""KServe's Python server. Its scikit-learn server is in no package: this is its `predict` on the package `kserve`."""

import os

import joblib
import kserve
from kserve.utils.utils import get_predict_input, get_predict_response


class Model(kserve.Model):
    def load(self):
        self._model = joblib.load(os.environ["MODEL_DIR"] + "/model.joblib")
        self.ready = True
        return True

    def predict(self, payload, headers=None):
        return get_predict_response(payload, self._model.predict(get_predict_input(payload)), self.name)


if __name__ == "__main__":
    served = Model("m")
    served.load()
    grpc = int(os.environ.get("GRPC_PORT", "0"))
    ports = {"http_port": int(os.environ["PORT"]), "grpc_port": grpc or 8081, "enable_grpc": bool(grpc)}
    kserve.ModelServer(**ports, workers=1, access_log_format=None).start([served])
