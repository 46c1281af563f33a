# What a developer types. Needs GNU make, Python 3.11 or newer and pip; everything else is installed
# into .venv. A target installs only what it needs, once, until pyproject.toml changes.
#
#   make demo             ask an assistant about this project's documents; no key, no server needed
#   make demo DOCS=path   ... about your own
#   make test             all tests that need no server
#   make check            everything CI runs

PYTHON ?= python3
VENV ?= .venv
DOCS ?=
# More arguments for pytest: make test TESTS=tests/unit_tests/routing PYTEST_ARGS="-k breaker"
TESTS ?= tests
PYTEST_ARGS ?=
# How the tests are run: make test PYTEST="-m coverage run -m pytest", then .venv/bin/coverage report.

PYTEST ?= -m pytest
BENCH_ARGS ?=
DATA ?=
# Where the second environment, with the openai SDK of the previous major version, is made.
VENV_OPENAI2 ?= $(VENV)/openai2
# What of the tests touches that SDK.
TESTS_OPENAI2 ?= $(addprefix tests/unit_tests/,providers routing testing) \
	$(addprefix tests/integration_tests/,providers test_faults.py test_soak.py test_standard.py)

BIN := $(VENV)/bin
# Silent but for errors: the headings say what is going on.
PIP_INSTALL := -m pip install -qq --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help demo test test-servers test-openai2 lint type format examples notebooks package bench \
	bench-smoke check clean

help:
	@sed -n 's/^#   //p' Makefile
	@echo "also: lint type format examples notebooks package bench bench-smoke test-servers test-openai2 clean"

demo: $(VENV)/.demo
	$(BIN)/switchyard demo $(if $(DOCS),--docs "$(DOCS)")

test: $(VENV)/.test
	$(BIN)/python $(PYTEST) -m "not server" $(PYTEST_ARGS) $(TESTS)

# Tests that talk to a real server, which they start themselves; those of the cache also on Valkey.
# Exit code 5: there are none.
TESTS_VALKEY ?= $(if $(filter tests,$(TESTS)),tests/integration_tests/cache)

test-servers: $(VENV)/.servers
	$(BIN)/python -m pytest -m server -rfEs $(PYTEST_ARGS) $(TESTS) || test $$? -eq 5
	$(if $(TESTS_VALKEY),SWITCHYARD_TEST_SERVER=valkey \
		$(BIN)/python -m pytest -m server -rfEs $(PYTEST_ARGS) $(TESTS_VALKEY))

test-openai2: $(VENV_OPENAI2)/.test
	$(VENV_OPENAI2)/bin/python -m pytest -m "not server" $(PYTEST_ARGS) $(TESTS_OPENAI2)

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

type: $(VENV)/.dev
	$(BIN)/mypy

examples: $(VENV)/.dev
	@set -e; for script in $(wildcard examples/*.py); do \
		echo "--- $$script"; $(BIN)/python "$$script" </dev/null; done

# Executed in memory: the stored notebooks stay as they are.
notebooks: $(VENV)/.dev
	@set -e; for notebook in $(wildcard notebooks/*.ipynb); do \
		echo "--- $$notebook"; $(BIN)/jupyter-execute --timeout=300 "$$notebook"; done

package: $(VENV)/.dev
	.ci/package $(BIN)/python

# BENCH_ARGS="--check" and the like; DATA=DIR for those that measure on a collection of texts.
bench: $(VENV)/.bench
	@set -e; for script in $$(grep -l -e --smoke benchmarks/*.py); do \
		if [ -z "$(DATA)" ] && grep -q -e '"--data".*required=True' "$$script"; then \
			echo "--- $$script: NOT RUN, it needs DATA=DIR"; continue; fi; \
		echo "--- $$script $(BENCH_ARGS)"; \
		$(BIN)/python "$$script" $(if $(DATA),--data "$(DATA)") $(BENCH_ARGS); done

bench-smoke:
	@$(MAKE) --no-print-directory bench BENCH_ARGS=--smoke

check:
	.ci/run

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage htmlcov

# --- Environments ---

# Without ensurepip, which Debian ships apart, and with a pip that knows dependency groups.
$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11"; exit 1; }
	@echo "Making the environment $(VENV)"
	@$(PYTHON) -m venv --without-pip $(VENV)
	@$(PYTHON) -m pip --python $(BIN)/python install -qq "pip>=25.1"

$(VENV)/.demo: pyproject.toml | $(BIN)/pip
	@echo "Installing what the demo needs, and what the usual providers need (half a minute)"
	@$(BIN)/python $(PIP_INSTALL) --editable ".[cli,openai,anthropic,ollama]"
	@touch $@

$(VENV)/.test $(VENV)/.servers $(VENV)/.dev $(VENV)/.bench: $(VENV)/.%: pyproject.toml | $(BIN)/pip
	@echo "Installing what '$*' needs (a minute or two)"
	@$(BIN)/python $(PIP_INSTALL) --editable . --group $*
	@touch $@

$(VENV_OPENAI2)/.test: pyproject.toml | $(BIN)/pip
	@echo "Installing what 'openai2' needs"
	@$(PYTHON) -m venv --without-pip $(VENV_OPENAI2)
	@$(BIN)/python -m pip --python $(VENV_OPENAI2)/bin/python install -qq \
		--editable . --group openai2
	@touch $@
