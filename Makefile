# Needs Python 3.11 or newer and make. Everything else comes into .venv, pinned by uv.lock.

BIN := .venv/bin
CANDIDATES := $(or $(PYTHON),python3 python3.14 python3.13 python3.12 python3.11 python)
# An environment that was moved, or whose interpreter is gone, is stale whatever its stamps say.
STALE := $(shell test -x $(BIN)/python && test "$$(cat .venv/.place)" = "$(CURDIR)/.venv" 2>/dev/null || echo force)

# What breaks on purpose may by chance do no harm: then it is tried once more, and the end says so.
MUTANTS := -rfER --reruns 1 --only-rerun "DID NOT RAISE"

.DEFAULT_GOAL := help
.PHONY: help run test gates gates-short bench format format-check lint types imports lock clean force

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' Makefile

run: .venv/.runtime ## serve on 127.0.0.1:8080 (PORT=…, ARGS="--workers 2")
	@exec $(BIN)/prospect serve $(if $(PORT),--port $(PORT)) $(ARGS)

test: .venv/.dev ## the everyday suite (ARGS="-k name")
	@$(BIN)/pytest -n 3 -q $(MUTANTS) -m "not gate and not gate_long" $(ARGS)

gates: .venv/.dev ## the long campaigns, hours
	@GATES=long $(BIN)/pytest -q $(MUTANTS) -m "gate or gate_long" $(ARGS)

gates-short: .venv/.dev ## the campaigns in short form, as in CI
	@$(BIN)/pytest -n 2 -q $(MUTANTS) -m "gate and not paced" $(ARGS)
	@$(BIN)/pytest -q -rfER --reruns 2 -m "gate and paced" $(ARGS)

bench: .venv/.dev ## performance figures of this machine
	@$(BIN)/python -m tests.bench $(ARGS)

format: .venv/.dev ## lay out the code and mend what is mended mechanically
	@$(BIN)/ruff check --quiet --fix-only
	@$(BIN)/ruff format

format-check: .venv/.dev ## say what `make format` would lay out differently
	@$(BIN)/ruff format --check

lint: .venv/.dev ## ruff, and uv.lock in line with pyproject.toml
	@$(BIN)/ruff check
	@$(BIN)/uv lock --check --offline --quiet || { echo "make: uv.lock is out of date; run: make lock" >&2; exit 1; }

types: .venv/.dev ## mypy, strict
	@$(BIN)/mypy

imports: .venv/.dev ## imports point one way
	@$(BIN)/lint-imports --no-logo

lock: .venv/.uv ## write uv.lock anew after a change of dependencies (ARGS=--upgrade)
	@$(BIN)/uv lock $(ARGS)

clean: ## remove .venv and caches; ./data stays
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis dist
	find gateway providers tests .ci -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.uv: .ci/bootstrap.py $(STALE)
.venv/.runtime .venv/.dev: .ci/bootstrap.py pyproject.toml uv.lock $(STALE)
.venv/.uv .venv/.runtime .venv/.dev:
	@for python in $(CANDIDATES); do \
	  "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && \
	  exec "$$python" .ci/bootstrap.py $(@:.venv/.%=%); \
	done; \
	echo "make: no Python 3.11 or newer among: $(CANDIDATES). Install one, or name it: make PYTHON=/path/to/python3" >&2; \
	exit 1

force:
