# Evermodel. `make demo` shows the whole loop on a real Kubernetes; `make test` tests everything; `make help` lists the rest.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
KERNEL := $(VENV)/.kernel
COMPILED := serving-image/evermodel/compiled
CLUSTER_PY := $(PYTHON) -m hack.cluster

.DEFAULT_GOAL := help
.PHONY: help setup lint generate lock cluster cluster-down images install demo test test-unit test-cluster test-loop clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

setup: $(STAMP) $(KERNEL) ## Make .venv with everything for development, the evermodel command included (no cluster, under two minutes)

$(STAMP): requirements/dev.txt requirements/bootstrap.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Evermodel needs Python 3.11 or newer: name one with make PYTHON=python3.11 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements/dev.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

# Trees are walked in C: without a compiler scikit-learn answers in its place, and says so.
$(KERNEL): $(STAMP) $(COMPILED)/kernel.c $(COMPILED)/build.py
	@$(BIN)/python -m evermodel.compiled.build || echo "Models of trees will be served by scikit-learn, which is slower: install gcc and run make setup again."
	@touch $@

lint: setup ## Format, lint, types, layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

generate: setup ## Write the CRDs, the rendered manifests and docs/conditions.md from their sources
	$(BIN)/python -m hack.generate

lock: setup ## Lock the requirements anew (hack/lock.sh --upgrade takes the newest)
	hack/lock.sh

cluster: ## A real Kubernetes: CLUSTER=existing|kind|source, or the best of what is here
	$(CLUSTER_PY) up

cluster-down: ## Remove it, and everything that it made
	$(CLUSTER_PY) down

images: cluster ## Build the images and load them into the cluster
	$(CLUSTER_PY) images

install: ## The cluster, the images, and the operator in it
	$(PYTHON) -m hack.demo.machine

demo: ## The whole loop on a real Kubernetes: train, serve, watch, degrade, retrain, swap
	$(PYTHON) -m hack.demo

test: lint test-unit test-cluster test-loop ## Everything: lint, unit tests, the real API server, the whole loop

test-unit: setup ## Without a cluster
	$(BIN)/pytest -n auto --dist loadfile tests/unit tests/integration

test-cluster: setup install ## Against the real API server and kubelet
	$(BIN)/pytest tests/cluster

test-loop: setup images ## The whole life cycle, with its faults
	$(BIN)/pytest tests/loop
