# `make run` shows the main job on the sample pages; `make test` runs the checks. More: `make test-lowest`.
PYTHON ?= python3
BIN := .venv/bin
LOWEST := .venv-lowest/bin
PIP := -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
# A file's tests stay together, since they share servers and models. Each process takes up to 2 GB.
PYTEST := -m pytest --numprocesses logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder

.PHONY: run test lint test-lowest

# The store is the one that plain `ner show` opens in this folder.
run: .venv/installed
	$(BIN)/ner ingest data/pages/*.txt
	$(BIN)/ner tag
	$(BIN)/ner show

test: lint
	$(BIN)/python $(PYTEST) --durations 20

lint: .venv/installed-dev
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports

# At the lowest versions that pyproject.toml allows, where warnings of old libraries are no errors.
test-lowest: .venv-lowest/installed
	$(LOWEST)/ner --help > .venv-lowest/help
	$(LOWEST)/python $(PYTEST) -m 'not slow' -W default

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python $(PIP) --editable .
	touch $@

.venv/installed-dev: pyproject.toml constraints.txt | .venv/installed
	$(BIN)/python $(PIP) --editable '.[dev]'
	touch $@

.venv-lowest/installed: pyproject.toml constraints.txt .ci/lowest.py
	$(PYTHON) -m venv --clear .venv-lowest
	$(LOWEST)/python $(PIP) packaging
	$(LOWEST)/python .ci/lowest.py > .venv-lowest/constraints.txt
	$(LOWEST)/python $(PIP) --constraint .venv-lowest/constraints.txt --editable '.[dev]'
	touch $@
