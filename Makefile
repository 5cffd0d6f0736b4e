# The commands of the project. `make demo` and `make test` need Python, make and git only; the rest is set up in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready

.PHONY: setup demo test lint corpus fuzz bench client-suite clean

setup: $(STAMP)

$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	$(BIN)/python -m compileall -q core.py ova_tools rules zone
	touch $(STAMP)

demo: $(STAMP)
	$(BIN)/python demo/main_job.py

test: $(STAMP)
	$(BIN)/python -m pytest -n 2 --dist loadgroup

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Inspect, set and verify every .ovf and .ova below CORPUS.
corpus: $(STAMP)
	$(if $(CORPUS),,$(error CORPUS=DIR is missing))
	$(BIN)/python -m bench.ova_tools.corpus $(CORPUS)

# Damages packages for SECONDS; nothing but our own errors may come out.
SECONDS ?= 600
fuzz: $(STAMP)
	env SECONDS=$(SECONDS) $(BIN)/python -m bench.ova_tools.fuzz

bench: $(STAMP)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[bench]'
	$(BIN)/python bench/startup.py
	$(BIN)/python -m bench.rebuild
	$(BIN)/python -m bench.zone_load
	$(BIN)/python -m bench.ova_tools.speed

# python-irodsclient's own tests against an embedded zone.
client-suite: $(STAMP)
	$(BIN)/python -m bench.client_suite

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
