"""Commands in this process: quicker than in another Python, for tests that do not depend on one."""

from __future__ import annotations

from pathlib import Path

import pytest

from slmr.cli.app import main
from slmr.pipeline.bench import run_bench
from slmr.pipeline.evaluation import EvalRequest, plan_evaluation
from slmr.pipeline.runner import SilentWatcher
from slmr.results.runs.schema import SummaryRow


def slmr(*arguments: str) -> int | str | None:
    """Runs `slmr` with these arguments; its exit code."""
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    return stop.value.code


def evaluate_model(request: EvalRequest) -> tuple[list[SummaryRow], Path]:
    """Evaluates a model as `slmr eval` does; returns its summary rows and the run's folder."""
    plan = plan_evaluation(request)
    return run_bench(plan, SilentWatcher()).rows, plan.folder
