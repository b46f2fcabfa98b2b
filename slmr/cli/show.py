"""`slmr show`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from slmr.cli.options import AsJson, print_json
from slmr.errors import RequestError


def show_command(
    artefact: Annotated[str, typer.Argument(help="Folder of an artefact, or the start of its name or hash.")],
    runs: Annotated[Path, typer.Option(help="A run, or a folder of runs, to look in.")] = Path("runs"),
    n: Annotated[int, typer.Option("-n", min=0, help="Examples.")] = 10,
    figure: Annotated[Path | None, typer.Option(help="Write the training curve as a page (HTML).")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what a stage made: where it comes from, what it is made of, and readable examples."""
    from slmr.io import disk_faults
    from slmr.results.show import find_artefact, lines, read_artefact

    found = read_artefact(find_artefact(artefact, runs), n)
    if figure is not None:
        if not found.curve:
            raise RequestError(f"{found.folder.name} has no training curve to draw")
        from slmr.results.training_history import plot_curve

        with disk_faults(figure):
            plot_curve(found.curve).write_html(figure, include_plotlyjs=True)
    if as_json:
        content = found.manifest.model_dump(mode="json") | {
            "stats": found.stats, "composition": found.composition,
            "examples": [dict(example) for example in found.examples],
        }  # fmt: skip
        print_json([{"name": found.folder.name, **content}])
    else:
        print("\n".join(lines(found)))
    if figure is not None:
        print(f"Figure      {figure}", file=sys.stderr)
