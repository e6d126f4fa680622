#!/bin/sh
# Locks every requirement with its hash; the other files are subsets of the development one, at the same versions.
set -eu
cd "$(dirname "$0")/.."
uv=${UV:-.venv/bin/uv}
lock() { "$uv" pip compile --quiet --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate "$@"; }
lock pyproject.toml --extra dev --output-file requirements/dev.txt "$@"
lock pyproject.toml --extra operator --constraint requirements/dev.txt --output-file requirements/operator.txt
lock pyproject.toml --extra serving --constraint requirements/dev.txt --output-file requirements/serving.txt
echo uv | lock - --constraint requirements/dev.txt --output-file requirements/bootstrap.txt
