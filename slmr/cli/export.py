"""`slmr export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from slmr.cli.options import warn
from slmr.errors import unknown
from slmr.io import disk_faults

EXAMPLES = (
    "slmr export runs/lab-quick --to lm-eval --out exported",
    "slmr export runs/lab-quick --to inspect --out logs",
    "slmr export runs/eval-SmolLM2 --to every-eval-ever --out exported",
)
FORMATS = ("lm-eval", "every-eval-ever", "hub", "inspect")


def export_command(
    run: Annotated[Path, typer.Argument(help="The folder of a run.")],
    to: Annotated[str, typer.Option(help=f"The format: {', '.join(FORMATS)}.")],
    out: Annotated[Path, typer.Option(help="The folder to write into.")],
) -> None:
    """Convert a run's results and samples to another tool's format."""
    if to not in FORMATS:
        raise unknown("format", to, FORMATS)
    from slmr.results.export.every_eval_ever import export_every_eval_ever
    from slmr.results.export.hub import export_hub
    from slmr.results.export.inspect_logs import export_inspect
    from slmr.results.export.lm_eval import export_lm_eval

    exports = dict(
        zip(FORMATS, (export_lm_eval, export_every_eval_ever, export_hub, export_inspect), strict=True)
    )
    with disk_faults(out):
        files, notices = exports[to](run, out)
    warn(notices)
    for file in files:
        print(file)
