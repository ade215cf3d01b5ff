# Everything a newcomer needs. Each target makes the virtual environment first when it is missing or out of date.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed.stamp

.DEFAULT_GOAL := help
.PHONY: help demo demo-server test faults lint sample clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

demo: $(STAMP) ## Schedule a production-shaped fleet on a real Placement over TLS, and prove the outcome
	$(BIN)/python -m demo

demo-server: $(STAMP) ## Keep a loaded Placement running, to try the command line against
	$(BIN)/python -m demo --serve

test: lint ## Run everything that gates: linters, types, layers, tests
	$(BIN)/pytest -q

faults: $(STAMP) ## Run the long proof: simulation, fault matrix, cuts, kills, interrupts, contention (about an hour)
	$(BIN)/python -m faults all

lint: $(STAMP) ## Run the linters, the type checker and the layer rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

sample: $(STAMP) ## Generate etc/scheduler.ini.sample, docs/request.schema.json and docs/claim-states.md again
	$(BIN)/oslo-config-generator --config-file etc/config-generator.conf
	$(BIN)/python -c "from scheduler.model import schema; print(schema.text(), end='')" > docs/request.schema.json
	$(BIN)/python -c "from scheduler.claims import diagram; print(diagram.text(), end='')" > docs/claim-states.md

clean: ## Remove the virtual environment and everything generated
	rm -rf $(VENV) .demo build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; name one with: make PYTHON=/path/to/python3.11 ..." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
		{ echo "No virtual environment could be made; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@echo "Installing what is needed into $(VENV) from PyPI; this is done once."
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	@touch $@
