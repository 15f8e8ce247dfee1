# Everything starts here: `make` alone says what there is.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# The first Python that is new enough; PYTHON=… chooses another.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { command -v $$p; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DEV_STAMP := $(VENV)/.installed-dev
# Other projects' suites and clients, in an environment of their own; kubectls beside the one on PATH.
CONTRACT := .venv-contract
TOOLS := .tools
# CI's machine is shared: what fails there once and then twice passes is told as a rerun, not a failure.
PYTEST := PATH=$(CURDIR)/$(TOOLS)/bin:$$PATH $(BIN)/python -m pytest -q $(if $(CI),--reruns 2 -rR)

.PHONY: help venv dev tools demo test test-slow contract check fix fuzz bench run clean dist

help: ## What one can make
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-9s %s\n", $$1, $$2}'

venv: $(STAMP) ## Set up .venv with netemu in it

$(BIN)/python:
	@if [ -z "$(PYTHON)" ]; then echo "netemu needs Python 3.11 or newer; set PYTHON=/path/to/one" >&2; exit 1; fi
	@$(PYTHON) -m venv $(VENV) 2>/dev/null || { rm -rf $(VENV); scripts/install-tools venv && $(PYTHON) -m venv $(VENV); }

$(STAMP): $(BIN)/python pyproject.toml
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@$(BIN)/python -m compileall -q netemu  # or the first start would do it, and take a second
	@touch $@

dev: $(DEV_STAMP)

$(DEV_STAMP): $(STAMP)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test,capture]'
	@touch $@

tools: ## Install the clients that tests drive: kubectl, dig, curl, redis, node, musl
	@scripts/install-tools clients
	@scripts/install-tools kubectls $(TOOLS)

demo: venv ## Run the counter example, show it, clean up
	@$(BIN)/netemu demo

test: dev tools ## Run the tests but for the slow ones
	@$(PYTEST) -m "not slow"

# Two at a time, each file in one piece: they mostly wait for what a cluster does in its own time.
test-slow: dev tools ## Run the slow tests: whole workloads, every kubectl there is
	@$(PYTEST) -n 2 --dist loadfile -m "slow and not suite"

contract: dev tools $(CONTRACT)/.installed ## Run other projects' suites against a cluster; takes minutes
	@CONTRACT_ENV=$(CURDIR)/$(CONTRACT) $(PYTEST) -m suite tests/contract

$(CONTRACT)/.installed: tests/contract/requirements.txt tests/contract/package.json
	@test -x $(CONTRACT)/bin/python || $(PYTHON) -m venv $(CONTRACT)
	@$(CONTRACT)/bin/python -m pip install --quiet --disable-pip-version-check -r tests/contract/requirements.txt
	@cp tests/contract/package.json $(CONTRACT)/
	@PATH=$(CURDIR)/$(CONTRACT)/bin:$$PATH npm install --prefix $(CONTRACT) --silent --no-audit --no-fund
	@touch $@

check: dev ## Lint, formatting, types, layers
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/codespell netemu tests bench scripts docs examples *.md

fix: dev ## Format, and fix what can be fixed
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

fuzz: dev ## Fuzz the DNS server for a minute
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[fuzz]'
	@$(BIN)/python -m tests.dns.fuzz 60

bench: dev ## Measure, beside peers where there are any
	@$(BIN)/python -m bench

run: venv ## Run a cluster in the foreground
	@$(BIN)/netemu up

dist: dev ## Build the wheel
	@$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

clean: ## Remove what was made here
	rm -rf $(VENV) $(CONTRACT) $(TOOLS) dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
