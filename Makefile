# The commands of the project; `make` alone lists them.
.DEFAULT_GOAL := help
SHELL := bash
PYTHON ?= python3
HERE := $(dir $(abspath $(lastword $(MAKEFILE_LIST))))
VENV := $(HERE).venv
BIN := $(VENV)/bin
export UV_PYTHON_DOWNLOADS := never
export VIRTUAL_ENV := $(VENV)
export GX_ANALYTICS_ENABLED := false

.PHONY: help
help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | column -t -s '|'

# The environment is complete when its stamp is newer than what it was made from.
$(VENV)/.complete: $(HERE)requirements.lock $(HERE)pyproject.toml
	@echo "Installing the locked environment into .venv …"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--require-hashes --no-deps -r <(sed -n '/^uv==/,/^[^ ]/p' $(HERE)requirements.lock | sed '$$d')
	@$(BIN)/uv pip sync --quiet --compile-bytecode --require-hashes $(HERE)requirements.lock
	@$(BIN)/uv pip install --quiet --no-deps --no-build-isolation --editable $(HERE)
	@touch $@

.PHONY: setup
setup: $(VENV)/.complete ## create the environment from the locked requirements

.PHONY: lock
lock: ## compile requirements.lock anew (hashes, no addresses)
	cd $(HERE) && $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-header --generate-hashes \
		--all-extras --group dev pyproject.toml -o requirements.lock

.PHONY: run
run: setup ## a demo round from collection to a published release, on a real Airflow
	@cd $(HERE) && $(BIN)/hailong demo run

.PHONY: up
up: setup ## keep the Airflow UI open on the same data
	@cd $(HERE) && $(BIN)/hailong demo up

.PHONY: down
down: setup ## stop what `make up` started
	@cd $(HERE) && $(BIN)/hailong demo down

.PHONY: test
test: setup ## run the whole test suite
	cd $(HERE) && $(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

.PHONY: bench
bench: setup ## measure speed, memory and coverage (long; NAMES="estimation coverage …" for a part)
	cd $(HERE) && $(BIN)/python tests/bench/run.py $(NAMES)

.PHONY: check
check: setup ## lint, types and drift of generated pages
	cd $(HERE) && $(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy
	cd $(HERE) && $(BIN)/python docs/generate.py --check

.PHONY: docs
docs: setup ## write the generated pages of docs/ anew
	cd $(HERE) && $(BIN)/python docs/generate.py
