# Each target makes its environment itself: a virtual environment in this folder, exact versions, nothing global.
PYTHON ?= python3
BIN := .venv/bin
# Processes that share the tests; each has one thread and needs up to 2 GB.
WORKERS ?= 2
READY := .venv/.ready

.PHONY: help demo test check check-static check-wheel sbom lock format clean

help:
	@echo "make demo    forecast, verify and draw bundled weather, offline: plumecast-demo/"
	@echo "make test    run the tests"
	@echo "make check   what continuous integration runs: tests, format, lint, types, import rules, the wheel"
	@echo "make sbom    list what is installed with it: build/plumecast.cdx.json (CycloneDX), from infra/lock.txt"
	@echo "make lock    write infra/lock.txt anew: exact versions with hashes (needs uv and a package index)"
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

check: check-static sbom test check-wheel

check-static: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy

# A bill of materials of everything in the lock, offline once its tool is installed.
sbom:
	PYTHON=$(PYTHON) infra/bill_of_materials.sh

lock:
	{ sed -n '/^#/!q; p' infra/lock.txt; uv pip compile pyproject.toml --extra all --generate-hashes --quiet \
		--constraints infra/constraints-ci.txt --python-version 3.11 --no-header --no-annotate; } > infra/lock.new
	mv infra/lock.new infra/lock.txt

# Builds the wheel, installs it into an empty environment and runs the demonstration from it: some ten minutes.
check-wheel:
	PYTHON=$(PYTHON) infra/check_wheel.sh

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
