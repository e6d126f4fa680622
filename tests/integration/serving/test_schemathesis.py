"""The OpenAPI document against the server that gives it: what schemathesis makes of it is answered as it says."""

import os
import subprocess
import sys
from pathlib import Path

from tests.unit.evermodel.serving.conftest import make_line, make_patients
from tests.unit.evermodel.serving.test_process import finish, serving

EXAMPLES = os.environ.get("EVERMODEL_SCHEMATHESIS_EXAMPLES", "3")
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


def test_every_operation_answers_as_it_is_described(tmp_path):
    # given a server of two models
    models = [made.model for made in (make_line(tmp_path), make_patients(tmp_path))]
    with serving(*models, "--store", str(tmp_path), "--port", "0", "--drain", "0") as server:
        # when each operation of its document is asked in all ways that the document describes, and in some that it forbids
        address = f"http://127.0.0.1:{server.port}/openapi.json"
        arguments = ["run", address, "--checks", CHECKS, "--max-examples", EXAMPLES, "--seed", "1", "--no-color"]
        command = [str(Path(sys.executable).with_name("st")), *arguments, "--phases", "examples,coverage,fuzzing"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
        server.process.terminate()
        code, _, err = finish(server)
    # then nothing is answered otherwise, and nothing fails
    assert done.returncode == 0, done.stdout[-5000:]
    assert (code, err) == (0, "")
