"""`slmr publish`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from slmr.cli.options import warn
from slmr.errors import RequestError
from slmr.io import disk_faults
from slmr.results.export.publish import publish

EXAMPLES = (
    "slmr publish runs/lab-quick",
    "slmr publish runs/lab-quick --name mine --texts 1",
)


def publish_command(
    runs: Annotated[list[Path], typer.Argument(help="Folders of runs.")],
    results: Annotated[Path, typer.Option(help="Where the published results are.")] = Path("results"),
    name: Annotated[str | None, typer.Option(help="Name of the published folder, for one run.")] = None,
    texts: Annotated[
        int | None,
        typer.Option(
            help="Keep the texts of N completions per item (by default all); all verdicts are kept.",
            min=0,
        ),
    ] = None,
) -> None:
    """Copy runs' summaries, manifests and samples into results/, with the commands that reproduce them.

    Your own recipes, profiles and tasks are copied, too; models are not.
    """
    if name and len(runs) > 1:
        raise RequestError("--name is for one run; several keep their own names")
    for run in runs:
        with disk_faults(results):
            print(publish(run, results, name, texts, lambda line: warn([line])))
