# Everything a newcomer needs. Each target makes the virtual environment first when it is missing or out of date.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed.stamp
WORKERS ?= 2

# Only files whose hashes are in the lock are installed, and none of them runs code while it is. Modules are compiled
# when they are used, which most never are.
LOCKED := --require-hashes --only-binary :all: --no-compile
LOCK := requirements.lock
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--custom-compile-command 'make lock' $(RENEW)
AUDIT := $(BIN)/pip-audit --strict --no-deps --disable-pip --progress-spinner off $(AUDIT_SOURCE)

.DEFAULT_GOAL := help
.PHONY: help demo demo-server test faults canaries fuzz parity bench bench-quick bench-micro bench-rules bench-burst \
	bench-growth bench-profile soak lint sample lock security wheel sbom clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

demo: $(STAMP) ## Schedule a production-shaped fleet on a real Placement over TLS, and prove the outcome
	$(BIN)/python -m demo

demo-server: $(STAMP) ## Keep a loaded Placement running, to try the command line against
	$(BIN)/python -m demo --serve

test: lint ## Run everything that gates: linters, types, layers, tests; WORKERS=4 on a bigger machine
	$(BIN)/pytest -q -p no:benchmark --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder

faults: $(STAMP) ## Run the long proof: simulation, fault matrix, cuts, kills, interrupts, contention (more than an hour)
	$(BIN)/python -m faults all

canaries: $(STAMP) ## Run the long canary suite: markers in everything, a million log records searched (about 10 minutes)
	$(BIN)/python -m canaries

fuzz: $(STAMP) ## Run the long fuzzing of everything that reads foreign input, 20 million inputs (about 20 minutes)
	$(BIN)/python -m fuzz

parity: $(STAMP) ## Compare every filter, weigher and prefilter, and 10,000 decisions, with Nova's own (about 5 minutes)
	$(BIN)/python -m parity

bench: $(STAMP) ## Measure everything beside Nova's scheduler, in one run on a real Placement (about 10 minutes)
	$(BIN)/python -m benchmarks.speed

bench-quick: $(STAMP) ## The same with fewer rounds and hosts, in 3 minutes; it prints and keeps nothing
	$(BIN)/python -m benchmarks.speed --quick

bench-micro: $(STAMP) ## Measure decoding, tables, ranking, batches and bodies one by one (about a minute)
	$(BIN)/pytest -q benchmarks/micro

bench-rules: $(STAMP) ## Measure what every filter and weigher costs, beside Nova's where NOVA names a Python that has it
	$(BIN)/python -m benchmarks.rules $(if $(NOVA),--nova $(NOVA))

bench-burst: $(STAMP) ## Measure bursts of like requests on a real Placement, with and without shared answers (about 5 minutes)
	$(BIN)/python -m benchmarks.burst

bench-growth: $(STAMP) ## Measure how costs grow with hosts, batch and filters, and fail where faster than linear (about 15 minutes)
	$(BIN)/python -m benchmarks.growth

bench-profile: $(STAMP) ## Find out where the time goes: in Placement's calls, in our rooms, in an import (about 5 minutes)
	$(BIN)/python -m benchmarks.profile

soak: $(STAMP) ## Send 40,000 requests over TLS from four threads, and fail where anything grows (about 6 minutes)
	$(BIN)/python -m benchmarks.soak

lint: $(STAMP) ## Run the linters, the type checker and the layer rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/bandit --quiet --configfile pyproject.toml --recursive placement_client scheduler
	$(BIN)/lint-imports

sample: $(STAMP) ## Generate the sample ini, the schema of requests, and the generated pages again
	$(BIN)/oslo-config-generator --config-file etc/config-generator.conf
	$(BIN)/python -c "from scheduler.model import schema; print(schema.text(), end='')" > docs/request.schema.json
	$(BIN)/python -c "from scheduler.claims import diagram; print(diagram.text(), end='')" > docs/claim-states.md
	$(BIN)/python -c "from scheduler import rules_table; print(rules_table.text(), end='')" > docs/rules.md
	$(BIN)/python -c "from scheduler import rules_table; print(rules_table.within(open('README.md').read()), end='')" \
		> README.md.new && mv README.md.new README.md

lock: $(STAMP) ## Write requirements.lock and runtime.lock again; newer versions with RENEW=--upgrade
	$(COMPILE) --extra dev --output-file requirements.lock pyproject.toml
	$(COMPILE) --extra cli --extra postgresql --constraint requirements.lock --output-file runtime.lock pyproject.toml

# A source that knows nothing of a hole that everybody knows tells nothing by its silence.
security: $(STAMP) ## Ask whether a hole is known in anything that is locked
	@if echo 'urllib3==1.24.1' | $(AUDIT) --format json --requirement /dev/stdin 2>/dev/null | grep -q '"id"'; \
		then $(AUDIT) --requirement $(LOCK); \
		else echo "SKIPPED: no source of known holes can be reached; NOTHING WAS AUDITED" >&2; fi

wheel: $(STAMP) ## Build the wheel of the last commit, bit for bit the same wherever it is built
	rm -rf build/wheel dist/*.whl
	mkdir -p build/wheel dist
	umask 022 && git -c tar.umask=022 archive HEAD | tar --extract --directory build/wheel
	cd build/wheel && SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) \
		$(abspath $(BIN))/python -m build --wheel --no-isolation --outdir $(CURDIR)/dist

sbom: wheel ## Write the bill of materials of what runs in production (CycloneDX)
	$(BIN)/python -m venv --clear --without-pip build/production
	$(BIN)/python -m pip --python build/production install --quiet $(LOCKED) --requirement runtime.lock
	$(BIN)/python -m pip --python build/production install --quiet --no-deps dist/*.whl
	$(BIN)/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible \
		--output-format JSON --output-file dist/sbom.cdx.json build/production

clean: ## Remove the virtual environment and everything generated
	rm -rf $(VENV) .demo build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(STAMP): pyproject.toml $(LOCK)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; name one with: make PYTHON=/path/to/python3.11 ..." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
		{ echo "No virtual environment could be made; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@echo "Installing what is needed into $(VENV) from PyPI; this is done once."
	@$(BIN)/python -m pip install --quiet $(LOCKED) --requirement $(LOCK)
	@$(BIN)/python -m pip install --quiet --quiet --no-deps --no-build-isolation --editable .
	@touch $@
