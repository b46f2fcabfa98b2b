"""`slmr` in forks of one process that has imported the heavy libraries: hundreds of runs that take seconds each."""

from __future__ import annotations

import gc
import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from slmr.cli.app import main

HEAVY = (
    "torch",
    "numpy",
    "scipy.stats",
    "pandas",
    "pyarrow.parquet",
    "pydantic",
    "yaml",
    "typer",
    "rich.table",
    "safetensors.torch",
    "tokenizers",
    "transformers.models.auto.modeling_auto",
    "datasets",
)
_OF_A_BENCH = ("trl.trainer.sft_trainer", "trl.trainer.grpo_trainer", "slmr.pipeline.bench", "slmr.cli.bench")


def import_heavy(names: Sequence[str] = (*HEAVY, *_OF_A_BENCH)) -> None:
    """Imports what every fork would import, under the settings of the tests' conftest."""
    os.environ |= {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    for name in names:
        importlib.import_module(name)
    gc.freeze()  # else the first collection in a fork copies all of it


def slmr(arguments: Sequence[str], log: Path) -> int:
    """Runs `slmr` with these arguments in a fork with standard error in `log`; its exit code."""
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        _run(arguments, log)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _run(arguments: Sequence[str], log: Path) -> None:
    code: int | str | None = 1
    with log.open("w", encoding="utf-8") as file, open(os.devnull, "w", encoding="utf-8") as nothing:
        os.dup2(file.fileno(), 2)
        os.dup2(nothing.fileno(), 1)
        try:
            main(arguments)
        except SystemExit as end:
            code = end.code
        except BaseException:  # what would be a traceback is a finding, for whoever reads the file
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code if isinstance(code, int) else int(code is not None))
