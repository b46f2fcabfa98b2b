"""`slmr export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from slmr.cli.options import warn
from slmr.errors import check_known
from slmr.io import disk_faults
from slmr.results.export.every_eval_ever import export_every_eval_ever
from slmr.results.export.hub import export_hub
from slmr.results.export.inspect_logs import export_inspect
from slmr.results.export.lm_eval import export_lm_eval

EXAMPLES = (
    "slmr export runs/lab-quick --to lm-eval --out exported",
    "slmr export runs/lab-quick --to inspect --out logs",
    "slmr export runs/eval-SmolLM2 --to every-eval-ever --out exported",
)
EXPORTERS = {
    "lm-eval": export_lm_eval,
    "every-eval-ever": export_every_eval_ever,
    "hub": export_hub,
    "inspect": export_inspect,
}


def export_command(
    run: Annotated[Path, typer.Argument(help="The folder of a run.")],
    to: Annotated[str, typer.Option(help=f"The format: {', '.join(EXPORTERS)}.")],
    out: Annotated[Path, typer.Option(help="The folder to write into.")],
) -> None:
    """Convert a run's results and samples to another tool's format."""
    check_known("format", to, EXPORTERS)
    with disk_faults(out):
        files, notices = EXPORTERS[to](run, out)
    warn(notices)
    for file in files:
        print(file)
