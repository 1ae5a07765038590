# Every command of the product; the same in README.md and in .ci/run.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN := $(BIN)/python -m backend.cli

.PHONY: help run test lint fmt unit soak migrate seed doctor openapi

help: ## list the commands
	@grep -E '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

$(VENV)/.installed: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed; this is " + sys.version.split()[0] + ".")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --no-compile --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed requirements-dev.lock
	$(BIN)/pip install --quiet --no-compile --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

run: $(VENV)/.installed ## start everything and print the addresses
	@exec $(RUN) run

test: lint unit ## verify everything

lint: $(VENV)/.installed-dev ## style, types and import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fmt: $(VENV)/.installed-dev ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

unit: $(VENV)/.installed-dev ## tests on the embedded PostgreSQL
	$(BIN)/python -m pytest

soak: $(VENV)/.installed-dev ## races at full size
	RACE_SCALE=10 $(BIN)/python -m pytest tests/backend/appointments/test_races.py

migrate: $(VENV)/.installed ## bring the database of DATABASE_URL to the newest migration
	$(RUN) migrate

seed: $(VENV)/.installed ## load catalogue, calendar and opening rules
	$(RUN) seed

doctor: $(VENV)/.installed ## check every invariant
	$(RUN) doctor

openapi: $(VENV)/.installed ## write the API document from which clients' types are generated
	$(RUN) openapi > pwa/openapi.json
