# Two commands: `make run` shows the main job on the sample pages, `make test` runs the checks.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
export NER_STORE ?= sqlite:///sample.db

.PHONY: run test lint

run: .venv/installed
	$(BIN)/ner ingest data/pages/*.txt
	$(BIN)/ner tag
	$(BIN)/ner show

test: lint
	$(BIN)/python -m pytest

lint: .venv/installed-dev
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(PIP) --editable .
	touch $@

.venv/installed-dev: pyproject.toml constraints.txt | .venv/installed
	$(PIP) --editable '.[dev]'
	touch $@
