# Two commands matter: `make serve` runs archcast, `make test` tests it. `make help` lists the rest.

PYTHON ?= python3
# More arguments for pip, for example PIP_ARGS="--extra-index-url <PyTorch's index of CPU builds>" for a smaller torch.
PIP_ARGS ?=
# More arguments for pytest, for example PYTEST_ARGS="-k search -x".
PYTEST_ARGS ?=
# Worker processes of pytest; 0 runs everything in one process.
TEST_WORKERS ?= 2

VENV := .venv
BIN := $(VENV)/bin
# The same pins hold for the build environment, which newer pips constrain separately.
PIP_INSTALL := PIP_BUILD_CONSTRAINT=constraints.txt PIP_DISABLE_PIP_VERSION_CHECK=1 \
	$(BIN)/python -m pip install --progress-bar off -c constraints.txt $(PIP_ARGS)
# Of pip's several hundred lines: the large downloads and the milestones. Errors go to stderr and are not filtered.
PIP_MILESTONES := awk '/[0-9] [MG]B\)|^Building/ { print } \
	/^Installing collected/ { print "Installing " NF - 3 " packages" } { fflush() }'

# Recipes with a pipe say `set -o pipefail` themselves: make 3.81 of macOS ignores .SHELLFLAGS.
SHELL := bash
.DEFAULT_GOAL := help
.PHONY: help serve test lint format migrations-check bench clean

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1|\2/p' Makefile | column -t -s '|'

serve: $(VENV)/installed-server ## Install what is missing and start the service on HOST:PORT (127.0.0.1:8000)
	@exec $(BIN)/archcast serve $(if $(HOST),--host $(HOST)) $(if $(PORT),--port $(PORT))

test: $(VENV)/installed-dev ## Run every test, on SQLite and on PostgreSQL
	@$(BIN)/python -m pytest -n $(TEST_WORKERS) --dist worksteal $(PYTEST_ARGS)

lint: $(VENV)/installed-dev ## Check format, style, types and who imports whom
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/basedpyright
	$(BIN)/lint-imports

format: $(VENV)/installed-dev ## Rewrite the code in the project's format
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

migrations-check: $(VENV)/installed-dev ## Upgrade, downgrade and compare the schema with the models, on both databases
	$(BIN)/python -m pytest -q tests/migrations

bench: $(VENV)/installed-dev ## Compare with the published numbers and rewrite the numbers in docs/
	$(BIN)/python benchmarks/nasflat_tasks.py --space nb201 --write
	$(BIN)/python benchmarks/nasflat_tasks.py --space fbnet --write
	$(BIN)/python benchmarks/accelerators.py --write

clean: ## Remove the environment and every cache; data directories stay
	rm -rf $(VENV) dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps change only after pip succeeded, so an interrupted installation is repeated.
$(VENV)/installed-server: pyproject.toml constraints.txt | $(VENV)/created
	@echo "Installing archcast and its server into $(VENV) (minutes the first time, torch is large)"
	@set -o pipefail; $(PIP_INSTALL) -e '.[server]' | $(PIP_MILESTONES)
	@touch $@

$(VENV)/installed-dev: pyproject.toml constraints.txt | $(VENV)/created
	@echo "Installing archcast with what its tests need into $(VENV) (minutes the first time, torch is large)"
	@set -o pipefail; $(PIP_INSTALL) -e '.[dev]' | $(PIP_MILESTONES)
	@touch $(VENV)/installed-server $@

$(VENV)/created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "archcast needs Python 3.11 or newer; \"$(PYTHON)\" is $$($(PYTHON) --version 2>/dev/null || echo missing)." \
			"Name another one: make PYTHON=python3.12 ..." >&2; exit 1; }
	@echo "Creating $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)
	@touch $@
