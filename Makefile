# Everything that people and CI do with this project; `make` alone lists it. Needs make and Python 3.11 or later;
# uses uv when it is there. Tools live in .venv/, which is made when first needed and again when its inputs change.

TARGET ?= $(or $(CRM_SYNC_TARGET),sandbox)
ARGS ?=
export CRM_SYNC_TARGET := $(TARGET)

# Like pip, trust the certificates that this machine trusts: companies often have their own.
export UV_SYSTEM_CERTS ?= true

BIN := .venv/bin
UV := $(shell uv --version >/dev/null 2>&1 && echo uv)
# Names what .venv was made from: another place, other requirements or another project file make it anew.
KEY := $(shell { pwd; cat pyproject.toml requirements.txt requirements-dev.txt; } | cksum | cut -d' ' -f1)
RUNTIME := .venv/.runtime-$(KEY)
DEV := .venv/.dev-$(KEY)

# Runs crm-sync and names its exit code, since make itself turns every failure into 2.
crm-sync = @$(BIN)/crm-sync $(1) || { code=$$?; echo "crm-sync exited with code $$code" >&2; exit $$code; }
# The stand-in CRMs come without the id fields, like any CRM before its first sync. Real ones are left to people.
prepare = $(if $(filter sandbox,$(TARGET)),$(call crm-sync,setup --yes),@:)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help sync plan status dashboard check doctor test soak bench lint docs sandbox-reset lock clean

help: ## Show this list
	@echo "make sync | make plan | make status ...   with TARGET=sandbox (default) or TARGET=prod, and ARGS=\"...\""
	@grep -E '^[a-z-]+:.*## ' Makefile | awk -F ':.*## ' '{ printf "  %-14s %s\n", $$1, $$2 }'

sync: $(RUNTIME) ## Set up what is missing, then run one cycle; ARGS go to `crm-sync sync`
	$(prepare)
	$(call crm-sync,sync $(ARGS))

plan: $(RUNTIME) ## Print what the next sync would write, and why; write nothing
	$(prepare)
	$(call crm-sync,plan $(ARGS))

status: $(RUNTIME) ## Show the health at a glance
	$(call crm-sync,status $(ARGS))

dashboard: $(RUNTIME) ## Write the health page, one HTML file; ARGS="--serve --open" keeps it fresh in the browser
	$(call crm-sync,dashboard $(ARGS))

check: $(RUNTIME) ## Check the mapping CSVs in seconds, without asking a CRM
	$(call crm-sync,check $(ARGS))

doctor: $(RUNTIME) ## Look at everything that a sync needs, and say what to do about what is wrong
	$(call crm-sync,doctor $(ARGS))

test: lint ## Set up, lint, then run the whole test suite; ARGS go to pytest
	$(BIN)/pytest -n auto $(ARGS)

soak: $(DEV) ## Kill syncs and let the CRMs misbehave until a promise breaks; ARGS="--minutes 60", or --kills, --faults, --seed
	$(BIN)/python tests/faults/soak.py $(ARGS)

bench: $(DEV) ## Time whole cycles against the stand-ins; ARGS="--contacts 10000 100000 --latency 150 --limits"
	$(BIN)/python benchmarks/sync_speed.py $(ARGS)

lint: $(DEV) ## Check style and types of Python and SQL
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/sqlfluff lint dbt_project

docs: $(RUNTIME) ## Build the documentation of all tables: dbt_project/target/static_index.html
	@mkdir -p warehouse
	$(BIN)/dbt docs generate --project-dir dbt_project --profiles-dir . --static

sandbox-reset: $(RUNTIME) ## Put the stand-in CRMs back to the demo data and forget their warehouse
	@$(BIN)/crm-sync sandbox start >/dev/null
	@$(BIN)/crm-sync sandbox reset
	@rm -f warehouse/sandbox.duckdb* warehouse/sandbox_health.duckdb*

lock: $(DEV) ## Resolve the pinned requirements anew from pyproject.toml (needs uv; ARGS=--upgrade for newer ones)
	$(call compile,requirements-dev.txt,--extra dev)
	$(call compile,requirements.txt,--constraint requirements-dev.txt)

clean: ## Remove .venv, caches, and the sandbox with its warehouse (never that of another target)
	@test ! -x $(BIN)/crm-sync || $(BIN)/crm-sync sandbox stop >/dev/null 2>&1 || true
	rm -rf .venv .sandbox *.egg-info build .mypy_cache .pytest_cache .ruff_cache .hypothesis dbt_project/target
	rm -f warehouse/sandbox.duckdb* warehouse/sandbox_health.duckdb*
	find crm_sync pipelines reverse_etl sandbox tests -type d -name __pycache__ -prune -exec rm -rf {} +

# setuptools builds the project without isolation, so it is pinned with the rest.
compile = echo 'setuptools>=77' | uv pip compile pyproject.toml - $(2) --universal --python-version 3.11 \
	--generate-hashes --no-strip-extras --no-header --no-annotate --no-emit-index-url --no-emit-find-links -q -o $(1) $(ARGS)

# ---------------------------------------------------------------- the environment

$(RUNTIME):
	@$(make-venv)
	@$(call install,requirements.txt)
	@touch $@

$(DEV):
	@test -e $(RUNTIME) || { $(make-venv); }
	@$(call install,requirements-dev.txt)
	@touch $(RUNTIME) $@

PIP := $(if $(UV),uv pip install -q --python .venv,$(BIN)/python -m pip install -q --disable-pip-version-check)
make-venv = echo 'Setting up .venv with $(or $(UV),pip): once, a minute or two ...' && rm -rf .venv && $(create)
create = $(if $(UV),uv venv -q --python '>=3.11$(comma)<3.14' .venv,{ $(find-python); } && $$python -m venv .venv)
install = $(PIP) $(if $(UV),--compile-bytecode) --require-hashes -r $(1) && \
	$(PIP) --no-build-isolation --no-deps --editable .
find-python = for python in python3 python3.13 python3.12 python3.11 none; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break; done; \
	test $$python != none || { echo 'Python 3.11 or later is needed, and not on PATH.' >&2; false; }
comma := ,
