"""`slmr doctor`: what this machine can run, and what is damaged in a folder of runs."""

from pathlib import Path
from typing import Annotated

import typer

from slmr.cli.options import AsJson, DataDir, print_listing
from slmr.errors import RequestError, WorkError
from slmr.pipeline.doctor import check_machine, to_run_now
from slmr.pipeline.repair import busy_runs, find_damage, repair

EXAMPLES = ("slmr doctor", "slmr doctor --runs runs", "slmr doctor --runs runs --repair")


def doctor_command(
    runs: Annotated[Path | None, typer.Option(help="Look for damage in the runs of this folder.")] = None,
    repair: Annotated[
        bool,
        typer.Option("--repair", help="Remove what is damaged; running the same bench again remakes it."),
    ] = False,
    mend: Annotated[bool, typer.Option("--mend", hidden=True)] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Say what this machine can run: device, memory, extras, data, hub; or find and repair damaged runs."""
    must_repair = repair or mend  # `--mend` is its earlier name
    if runs is not None:
        _check_runs(runs, must_repair, as_json)
    elif must_repair:
        raise RequestError("--repair needs --runs: which folder's runs are to be repaired?")
    else:
        rows = check_machine()
        print_listing(rows, as_json)
        if not as_json:
            print("\nYou can run now:", *to_run_now(rows), sep="\n  ")


def _check_runs(runs: Path, must_repair: bool, as_json: bool) -> None:
    damages = find_damage(runs)
    rows = [{"name": str(d.path), "what": d.what, "cure": d.cure} for d in damages]
    if rows or as_json:
        print_listing(rows, as_json)
    else:
        print(f"{runs}: nothing is damaged")
    if not damages:
        return
    if not must_repair:
        raise WorkError(f"{_count(damages)} damaged: `slmr doctor --runs {runs} --repair` does what `cure` says")
    if busy := busy_runs(runs):
        raise WorkError(f"a bench is at work in {', '.join(map(str, busy))}: nothing is touched before it has ended")
    if incurable := repair(damages):
        raise WorkError(f"{_count(incurable)} cannot be repaired here: copy or publish them again")
    print(f"{_count(damages)} repaired: the same bench makes again what is missing")


def _count(things: list) -> str:
    return "1 thing" if len(things) == 1 else f"{len(things)} things"
