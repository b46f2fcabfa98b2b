"""The order of the layers holds: the contracts in pyproject.toml, as `make lint` checks them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_contracts_are_kept() -> None:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()"]
    done = subprocess.run([*command, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_checkers_load_no_library_of_the_evaluation() -> None:
    script = (
        "import sys; from slmr.verify import verify\n"
        "assert verify('#### 4', '4', 'numeric').strict\n"
        "heavy = {'torch', 'transformers', 'lm_eval', 'trl', 'datasets'} & set(sys.modules)\n"
        "sys.exit(f'loaded: {sorted(heavy)}' if heavy else 0)"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
