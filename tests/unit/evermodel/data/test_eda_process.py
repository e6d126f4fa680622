"""The data report in processes of its own: within its time and memory, and the same whatever the process is like."""

import json
import os
import subprocess
import sys

DIGESTS = """
import json
from hashlib import sha256
from evermodel.data.eda import explore
from evermodel.data.eda_page import eda_page
from evermodel_api.training import Task
from tests.bench.eda.__main__ import wide_table
eda = explore(wide_table(3000, 60), "n1", Task.CLASSIFICATION, budget_seconds=600, max_cells=10**8)
print(sha256(json.dumps(eda.dump()).encode()).hexdigest(), sha256(eda_page(eda).encode()).hexdigest())
"""


def test_a_thousand_columns_take_seconds_and_little_memory():
    # given 20,000 rows x 1,000 columns, of which at most 5,000 rows are looked at closely
    command = [sys.executable, "-m", "tests.bench.eda", "--rows", "20000", "--max-cells", "5000000", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    measured = json.loads(done.stdout)
    # then every column was looked at, well below the time that 100,000 rows may take
    assert measured["only_summarised"] == 0
    assert measured["sample_rows"] == 5000
    assert measured["seconds"] < 20, measured
    # and the memory beside the rows' own does not grow with them: some columns, and the matrices of pairs
    assert measured["extra_mb"] < 200, measured
    assert measured["page_mb"] < 8, measured


def test_document_and_page_depend_on_neither_the_hash_seed_nor_the_threads():
    answers = set()
    for seed, threads in (("1", "1"), ("2", "4")):
        environment = {
            **os.environ,
            "PYTHONHASHSEED": seed,
            "OMP_NUM_THREADS": threads,
            "OPENBLAS_NUM_THREADS": threads,
        }
        command = [sys.executable, "-c", DIGESTS]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
        answers.add(done.stdout)
    assert len(answers) == 1
