"""LitServe with one worker and one process for HTTP."""

import os

import litserve


class Api(litserve.LitAPI):
    def setup(self, device):
        from loaded import predict

        self.answer = predict

    def decode_request(self, request):
        return request["instances"]

    def predict(self, rows):
        return self.answer(rows)

    def encode_response(self, answers):
        return {"predictions": answers}


if __name__ == "__main__":
    server = litserve.LitServer(Api(), accelerator="cpu", workers_per_device=1)
    quiet = {"generate_client_file": False, "log_level": "warning", "access_log": False}
    server.run(host="127.0.0.1", port=int(os.environ["PORT"]), num_api_servers=1, **quiet)
