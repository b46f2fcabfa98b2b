"""`slmr doctor`: what this machine can run, and what is damaged in a folder of runs."""

from pathlib import Path
from typing import Annotated

import typer

from slmr.cli.options import AsJson, DataDir, print_json, print_listing, use_data_dir
from slmr.errors import RequestError, WorkError


def doctor_command(
    runs: Annotated[
        Path | None, typer.Option(help="Look for damage in the runs of this folder instead.")
    ] = None,
    mend: Annotated[
        bool, typer.Option("--mend", help="Remove what is damaged; the same bench makes it again.")
    ] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Say what this machine can run: device, memory, extras, data, hub; or find and mend damaged runs."""
    use_data_dir(data_dir)
    if runs is not None:
        _runs(runs, mend, as_json)
        return
    from slmr.pipeline.doctor import check_machine

    if mend:
        raise RequestError("--mend needs --runs: which folder's runs are to be mended?")
    print_listing(check_machine(), as_json)


def _runs(runs: Path, wanted: bool, as_json: bool) -> None:
    from slmr.pipeline.repair import at_work, find_damage, mend

    found = find_damage(runs)
    rows = [{"name": str(d.path), "what": d.what, "cure": d.cure} for d in found]
    if as_json:
        print_json(rows)
    elif rows:
        print_listing(rows, as_json=False)
    else:
        print(f"{runs}: nothing is damaged")
    if not found:
        return
    if not wanted:
        raise WorkError(f"{_count(found)} damaged: `slmr doctor --runs {runs} --mend` does what `cure` says")
    if busy := at_work(runs):
        raise WorkError(
            f"a bench is at work in {', '.join(map(str, busy))}: nothing is touched before it has ended"
        )
    left = mend(found)
    if left:
        raise WorkError(f"{_count(left)} cannot be mended here: copy or publish them again")
    print(f"{_count(found)} mended: the same bench makes again what is missing")


def _count(found: list) -> str:
    return "1 thing" if len(found) == 1 else f"{len(found)} things"
