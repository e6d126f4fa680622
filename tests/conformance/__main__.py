"""Examines a server of the Open Inference Protocol v2.

python -m tests.conformance --url http://127.0.0.1:5050 --model heart [--grpc 127.0.0.1:5051]

A valid request is made from the model's metadata, or read from --input-file: {"inputs": [...]} as one would POST it,
with at least two rows; "columns" beside it holds the same rows with one tensor for each column, where the server takes
tables so. Exit status: 0 when nothing that must be failed, 1 when something did, 2 when the server cannot be examined.
"""

# ruff: noqa: T201  what it prints is its answer
from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import httpx

from tests.conformance.example import Example, NoExampleError, example_from_metadata, read_example
from tests.conformance.grpc_client import GrpcClient
from tests.conformance.report import document, examine, score, table
from tests.conformance.requirement import Level, State, ViolationError
from tests.conformance.subject import Subject

SECONDS = 20.0


def make_subject(client: httpx.Client, model: str, example: Example | None, grpc: str | None = None) -> Subject:
    """The server as it is examined; its model's metadata make the example where none is given.

    Raises:
        NoExampleError: they do not.
        ViolationError: the server does not answer.
    """
    subject = Subject(client, model, example or Example([]), GrpcClient(grpc) if grpc else None)
    if example is None:
        subject.example = example_from_metadata(subject.metadata)
    return subject


def main() -> int:
    """Examine, print, and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True, help="where the server is, as http://127.0.0.1:5050")
    parser.add_argument("--model", required=True, help="name of the model that is asked")
    parser.add_argument("--grpc", metavar="HOST:PORT", help="where gRPC is; without it those chapters are not offered")
    parser.add_argument("--input-file", type=Path, metavar="FILE", help="a valid request (JSON)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there too")
    arguments = parser.parse_args()
    example = read_example(arguments.input_file) if arguments.input_file else None
    with httpx.Client(base_url=arguments.url, timeout=SECONDS, trust_env=False) as client:
        try:
            subject = make_subject(client, arguments.model, example, arguments.grpc)
            server = subject.server
        except (NoExampleError, ViolationError) as error:
            print(f"tests.conformance: {error}", file=sys.stderr)
            return 2
        results = examine(subject)
    print(f"{server.get('name')} {server.get('version')}, model {arguments.model}")
    print(table(results))
    if arguments.json:
        about = {"server": server, "model": arguments.model, "date": datetime.now(UTC).date().isoformat()}
        arguments.json.write_text(json.dumps(document(results, about), indent=1) + "\n")
    return 1 if score(results, Level.MUST)[State.FAILED] else 0


if __name__ == "__main__":
    sys.exit(main())
