#!/bin/sh
# Locks every requirement with its hash; the images' files are subsets of the development one, at the same versions.
set -eu
cd "$(dirname "$0")/.."
uv=${UV:-.venv/bin/uv}
lock() { "$uv" pip compile --quiet pyproject.toml --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate "$@"; }
lock --extra dev --output-file requirements/dev.txt "$@"
lock --extra operator --constraint requirements/dev.txt --output-file requirements/operator.txt
lock --extra serving --constraint requirements/dev.txt --output-file requirements/serving.txt
