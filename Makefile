# Each target makes its environment itself: a virtual environment in this folder, exact versions, nothing global.
PYTHON ?= python3
BIN := .venv/bin
# Processes that share the tests; each has one thread and needs up to 2 GB.
WORKERS ?= 2
READY := .venv/.ready

.PHONY: help demo test check check-static check-wheel format clean

help:
	@echo "make demo    forecast, verify and draw bundled weather, offline: plumecast-demo/"
	@echo "make test    run the tests"
	@echo "make check   what continuous integration runs: tests, format, lint, types, import rules, the wheel"
	@echo "make format  rewrite the code in the project's format"
	@echo "make clean   remove the environment and what tools left behind"

$(READY): pyproject.toml infra/constraints-ci.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint infra/constraints-ci.txt torch
	$(BIN)/python -m pip install --quiet --constraint infra/constraints-ci.txt --editable '.[dev]'
	touch $@

demo: $(READY)
	$(BIN)/plumecast demo --out plumecast-demo

test: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile

check: check-static test check-wheel

check-static: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy

# Builds the wheel, installs it into an empty environment and runs the demonstration from it: some ten minutes.
check-wheel:
	PYTHON=$(PYTHON) infra/check_wheel.sh

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
