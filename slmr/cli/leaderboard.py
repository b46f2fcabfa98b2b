"""`slmr leaderboard`: serves the board over a folder of results."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from slmr_leaderboard.serve import serve

EXAMPLES = (
    "slmr leaderboard",
    "slmr leaderboard --results results --port 8600",
)


def leaderboard_command(
    folder: Annotated[
        Path | None,
        typer.Option("--results", help="Folder of results or runs; runs/ or results/ by default."),
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="By default the first free one from 8501 on.")
    ] = None,
) -> None:
    """Serve the leaderboard over a folder of results."""
    serve(folder, port)
