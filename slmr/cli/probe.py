"""`slmr probe`: correctness rates on the training pool, and its partition."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from slmr.artifacts import STATS
from slmr.cli.display import BenchDisplay, tell
from slmr.cli.options import (
    SAMPLING_OPTIONS,
    AsJson,
    DataDir,
    console,
    known_kind,
    print_fields,
    print_json,
    print_table,
)
from slmr.cli.request import request_command
from slmr.errors import RequestError, check_known
from slmr.io import disk_faults, read_json
from slmr.pipeline.difficulty_map import FORMATS, expected_share, write_map
from slmr.pipeline.probing import Probe, ProbeRequest, probe_model
from slmr.results.render.text_tables import text_table
from slmr.stats import formats

EXAMPLES = (
    "slmr probe lab-llama",
    "slmr probe lab-qwen --k 16 --limit 200 --adaptive difficulty",
    "slmr probe my/model --data prompts.jsonl --kind numeric --to map --format trl",
)
_BAR, _OTHERS = 40, 60  # signs of the longest bar where there is room, and of the other columns


def probe_table(rows: list[dict[str, Any]], width: int) -> Table:
    """The partition with a histogram: how many problems got how many right completions."""
    columns = ("right", "problems", "share in percent, or rate", "95 % interval", "")
    table = text_table("Right completions a problem", columns, (), left=("",))
    longest = min(_BAR, max(width - _OTHERS, 10))
    most = max((rate["problems"] for row in rows for rate in row["rates"]), default=1)
    for row in rows:
        share, bounds = formats.percent(row["share"]), formats.interval(row["low"], row["high"])
        table.add_row(f"[bold]{row['name']}[/bold]", str(row["problems"]), share, bounds, "")
        for rate in row["rates"]:
            table.add_row(
                f"{rate['correct']} of {rate['k']}",
                str(rate["problems"]),
                f"{rate['rho']:.2f}",
                f"{rate['low']:.2f} to {rate['high']:.2f}",
                "█" * max(1, round(longest * rate["problems"] / most)),
            )
    return table


def rollouts_line(stats: Mapping[str, Any]) -> str:
    """What a probe spent of what it would spend at most."""
    rollouts, most = stats["rollouts"], stats["asked_at_most"]
    if rollouts == most:
        return f"{rollouts:,}, all that were asked for"
    line = f"{rollouts:,} of at most {most:,}: {stats['saved']:.0%} saved"
    if "expected_error" in stats:
        line += f"; about {stats['expected_error']:.1%} of the groups would change"
    return line


Layout = Annotated[
    str | None, typer.Option("--format", help=f"Format of --to: {', '.join(FORMATS)}; by default jsonl.")
]
GroupSize = Annotated[int, typer.Option(min=2, help="Completions per GRPO group, for the share of mixed groups.")]


@request_command(
    ProbeRequest,
    model=typer.Argument(help="A lab student, a model's folder or hub name, a server's URL."),
    k=typer.Option(min=1, help="Completions per problem."),
    limit=typer.Option(min=1, help="At most N problems of the pool."),
    adaptive=typer.Option(
        help="Stop sampling a problem early: off, difficulty (once its group is certain) or mixed (once it is certain"
        " whether it is mixed).",
        metavar="off|difficulty|mixed",
    ),
    stop_error=typer.Option(help="Chance that the group would still change, at which sampling stops."),
    task=typer.Option(help="The task whose training problems are probed, instead of the profile's."),
    data=typer.Option(help="JSONL or CSV with prompt and gold: your own problems, instead of a task's."),
    kind=typer.Option(help="Kind of the answers in --data: numeric, math or choice.", parser=known_kind),
    gold=typer.Option(help="The key of the golds in --data."),
    **SAMPLING_OPTIONS,
)
def probe_command(
    request: ProbeRequest,
    to: Annotated[Path | None, typer.Option(help="Folder for the problems with their rates.")] = None,
    layout: Layout = None,
    group_size: GroupSize = 8,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Measure how often a model solves each training problem, and split them into simple, medium and hard.

    The same command again goes on where it was stopped.
    """
    if layout is not None:
        check_known("format", layout, FORMATS)
    if layout and to is None:
        raise RequestError("--format is of what --to writes: give --to DIR, too")
    with BenchDisplay("probe") as display:
        probe = probe_model(request, display, tell)
    stats = read_json(probe.rollouts / STATS)
    files = _write_files(probe, request, to, layout or "jsonl", group_size) if to else []
    if as_json:
        print_json([row | {c: stats[c] for c in ("rollouts", "asked_at_most")} for row in probe.groups()])
        return
    _show(probe, stats, group_size, files)


def _show(probe: Probe, stats: Mapping[str, Any], group_size: int, files: list[Path]) -> None:
    print_table(probe_table(probe.groups(), console().width))
    share = expected_share(probe.map(group_size))
    mixed = formats.percent(share.mean, share.low, share.high)
    print_fields(
        {
            "Mixed": f"{mixed} % of groups of {group_size}, expected",
            "Sampled": rollouts_line(stats),
            "Rollouts": probe.rollouts / "rollouts.parquet",
        }
    )
    for file in files:
        print(f"Map         {file}")


def _write_files(probe: Probe, request: ProbeRequest, to: Path, layout: str, group_size: int) -> list[Path]:
    about = {
        "model": request.model,
        "problems": request.data.name if request.data else request.task or request.profile,
        "completions a problem": request.k,
        "seed": request.seed,
    }
    with disk_faults(to):
        return write_map(probe.map(group_size), to, layout, group_size, about)
