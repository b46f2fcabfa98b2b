"""`slmr show`: what a stage made."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from slmr.cli.layout import output_width
from slmr.cli.options import AsJson, print_json, print_text
from slmr.errors import RequestError
from slmr.io import disk_faults, write_text
from slmr.results.render.show import find_artefact, lines, read_artefact

EXAMPLES = ("slmr show bridge-", "slmr show partition-0123 -n 3 --runs runs/lab-quick")


def show_command(
    artefact: Annotated[
        str,
        typer.Argument(help="Folder of an artefact or evaluation, or the start of a name or hash."),
    ],
    runs: Annotated[Path, typer.Option(help="A run, or a folder of runs, to search.")] = Path("runs"),
    n: Annotated[int, typer.Option("-n", min=0, help="How many examples to print.")] = 10,
    figure: Annotated[Path | None, typer.Option(help="Write the training curve as a page (HTML).")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what a stage made: where it comes from, what it is made of, and readable examples."""
    contents = read_artefact(find_artefact(artefact, runs), n)
    if figure is not None:
        if not contents.curve:
            raise RequestError(f"{contents.folder.name} has no training curve to draw: leave --figure out")
        from slmr.results.render.training_history import curves_page

        with disk_faults(figure):
            write_text(figure, curves_page(contents.folder.name, contents.curve))
    if as_json:
        content = contents.manifest.model_dump(mode="json") | {
            "stats": contents.stats,
            "composition": contents.composition,
            "examples": [dict(example) for example in contents.examples],
        }
        print_json([{"name": contents.folder.name, **content}])
    else:
        indent = 12  # of the fields, until the first empty line
        for line in "\n".join(lines(contents, output_width())).split("\n"):
            indent = indent if line else 0
            print_text(line, indent)
    if figure is not None:
        print(f"Figure      {figure}", file=sys.stderr)
