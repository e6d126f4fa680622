"""What a training does once: the reference becomes the baseline of an artifact. Prints the artifact's directory.

python -m tests.bench.monitoring.prepare REF.parquet DIRECTORY
"""

import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import yaml

from evermodel.artifact import manifest
from evermodel.artifact.build import column_signature
from evermodel.artifact.profiling import build_baseline
from evermodel.artifact.signature import Signature
from evermodel.artifact.store import make_manifest, write_artifact
from evermodel_api.training import Task

SPEC = {
    "apiVersion": "evermodel.dev/v1alpha1",
    "kind": "DriftMonitor",
    "metadata": {"name": "bench"},
    "spec": {"deploymentRef": {"name": "bench"}, "window": {"maxRows": 10_000_000}, "drift": {}},
}


def main(reference, directory):
    start = time.perf_counter()
    frame = pq.read_table(reference).to_pandas()
    kinds = {name: "number" if name.startswith("n") else "category" for name in frame}
    columns = [
        column_signature(name, kind, "FP64" if kind == "number" else "BYTES", frame[name])
        for name, kind in kinds.items()
    ]
    signature = Signature(task=Task.REGRESSION, target="y", columns=columns)
    baseline = build_baseline(signature, frame, {})
    contents = {
        manifest.SIGNATURE: signature.model_dump_json(by_alias=True).encode(),
        manifest.BASELINE: baseline.model_dump_json(by_alias=True).encode(),
    }
    artifact = write_artifact(str(directory), make_manifest(Task.REGRESSION, "none", contents), contents)
    (Path(directory) / "monitor.yaml").write_text(yaml.safe_dump(SPEC))
    size = len(contents[manifest.BASELINE]) / 1e6
    sys.stderr.write(f"profiled in {time.perf_counter() - start:.2f} s, {size:.1f} MB\n")
    sys.stdout.write(f"{artifact.uri}\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
