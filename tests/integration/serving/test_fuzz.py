"""A few hundred requests of all kinds (`python -m tests.fuzz` sends as many as one likes): no fault, and every answer
is scikit-learn's."""

import os

from tests.fuzz.attack import Attack
from tests.unit.evermodel.serving.conftest import make_line, make_patients, make_rent
from tests.unit.evermodel.serving.test_process import finish, serving

CASES = int(os.environ.get("EVERMODEL_FUZZ_CASES", "600"))


def test_no_request_makes_a_fault_and_every_answer_is_scikit_learns(tmp_path):
    # given a server with a linear model, a forest and one with mixed columns
    models = {made.model: made for made in (make_line(tmp_path), make_rent(tmp_path), make_patients(tmp_path))}
    with serving(*models, "--store", str(tmp_path), "--port", "0", "--drain", "0") as server:
        # when requests of all kinds come
        findings = Attack(server.port, models).run(CASES, 1)
        server.process.terminate()
        code, _, err = finish(server)
    # then it had something to answer and to refuse, and nothing to complain of
    assert (code, err) == (0, "")
    assert findings.compared > CASES / 10
    assert findings.statuses[400] > CASES / 10
