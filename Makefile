# `make` alone lists what there is. Every target sets up what it needs.
.SHELLFLAGS := -eu -c
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes
# Tests run side by side in so many processes, each with a Redis, ports and a sandbox of its own (docs/testing.md). They
# wait more than they compute: three for each core.
WORKERS := 6
PYTEST := $(BIN)/python -m pytest -q
SIDE_BY_SIDE := $(PYTEST) --numprocesses $(WORKERS) --dist loadgroup
TESTS := tests/unit tests/integration tests/sandbox tests/machine

.PHONY: help
help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

.PHONY: install
install: $(INSTALLED)  ## create .venv with everything that running and testing needs

# A stamp, so that it runs again exactly when the requirements change.
$(INSTALLED): requirements-dev.txt
	@python=$$(for p in python3.11 python3.12 python3.13 python3; do \
	    "$$p" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$p" && break; \
	  done || true); \
	if [ -z "$$python" ]; then \
	  echo "Python 3.11 or newer with venv is needed (Debian: apt-get install python3 python3-venv)." >&2; exit 1; \
	fi; \
	[ -x $(BIN)/python ] || "$$python" -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

.PHONY: run
run: install  ## run everything on this machine: Redis, sandbox Chatwoot, web, worker, beat, Flower
	@exec $(BIN)/python -m sandbox.machine.run

.PHONY: demo
demo: install  ## send one message through the whole stack, show its trip, stop
	@exec $(BIN)/python -m sandbox.machine.demo

# Without Chromium all else is tested before it fails, as it must: not everything was.
.PHONY: test
test:  ## lint, types and all tests; as root on Debian it installs the Chromium that one of them needs
	@tests/browser/chromium && browser=tests/browser || browser=; \
	$(MAKE) --no-print-directory lint types; \
	$(SIDE_BY_SIDE) $(TESTS) $$browser || failed=$$?; \
	[ "$$browser" ] || { echo "make test: tests/browser was not run, for want of Chromium (see the beginning)." >&2; exit 1; }; \
	exit $${failed:-0}

.PHONY: format
format: install  ## format the code and sort its imports
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: lint
lint: install  ## ruff, and who may import whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

.PHONY: types
types: install  ## mypy, strict
	$(BIN)/mypy

.PHONY: unit
unit: install  ## tests without Redis, network or processes
	$(SIDE_BY_SIDE) tests/unit

.PHONY: integration
integration: install  ## tests with a real Redis, real workers and the sandbox
	$(SIDE_BY_SIDE) tests/integration

.PHONY: chaos
chaos: install  ## kill everything, everywhere: nothing lost, nothing twice, in order
	$(SIDE_BY_SIDE) tests/chaos

.PHONY: faults
faults: install  ## the fault matrix: break everything once, write docs/faults.md
	$(BIN)/python -m tests.faults

.PHONY: bench
bench: install  ## measure everything once, each figure against its limit, write docs/benchmarks.md
	$(BIN)/python -m bench --write

.PHONY: mutations
mutations: install  ## break each guard, see which test notices, write docs/mutations.md; takes a quarter of an hour
	$(BIN)/python -m tests.chaos.mutations

.PHONY: sandbox-tests
sandbox-tests: install  ## the stand-in for Chatwoot, held against recordings of a real one
	$(SIDE_BY_SIDE) tests/sandbox

.PHONY: machine
machine: install  ## the embedded Redis, make run and make demo
	$(SIDE_BY_SIDE) tests/machine

.PHONY: browser
browser: install  ## the chat page, driven in headless Chromium
	@tests/browser/chromium
	$(SIDE_BY_SIDE) tests/browser

.PHONY: compose-test
compose-test: install  ## build, run, scale, restart and remove compose.yaml; needs Docker with Compose v2
	@docker compose version >/dev/null 2>&1 && docker info >/dev/null 2>&1 || \
	  { echo "compose-test needs a running Docker engine with Compose v2." >&2; exit 1; }
	$(PYTEST) tests/compose

.PHONY: lock
lock: install  ## pin what requirements*.in name, with hashes
	$(LOCK) -o requirements.txt requirements.in
	$(LOCK) -o requirements-sandbox.txt requirements-sandbox.in
	$(LOCK) -o requirements-dev.txt requirements-dev.in

.PHONY: clean
clean:  ## remove what the other targets made, .venv included
	rm -rf $(VENV) .data .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
