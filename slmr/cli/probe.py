"""`slmr probe`: correctness rates on the training pool, and its partition."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from slmr.cli.display import BenchDisplay, tell
from slmr.cli.options import AsJson, Out, console, print_json
from slmr.io import read_json
from slmr.pipeline.probing import ProbeRequest, probe_model
from slmr.stats import formats

EXAMPLES = (
    "slmr probe lab-llama",
    "slmr probe lab-qwen --k 16 --limit 200 --adaptive difficulty",
)


def probe_table(rows: list[dict[str, Any]]) -> Table:
    """The partition with a histogram: how many problems got how many right completions."""
    table = Table(title="Right completions a problem", title_justify="left")
    for name in ("right", "problems", "share in percent, or rate", "95 % interval", ""):
        table.add_column(name, justify="left" if name == "" else "right")
    most = max((rate["problems"] for row in rows for rate in row["rates"]), default=1)
    for row in rows:
        share, bounds = formats.percent(row["share"]), formats.interval(row["low"], row["high"])
        table.add_row(f"[bold]{row['name']}[/bold]", str(row["problems"]), share, bounds, "")
        for rate in row["rates"]:
            table.add_row(
                f"{rate['correct']} of {rate['k']}", str(rate["problems"]), f"{rate['rho']:.2f}",
                f"{rate['low']:.2f} to {rate['high']:.2f}", "█" * max(1, round(40 * rate["problems"] / most)),
            )  # fmt: skip
    return table


def rollouts_line(stats: Mapping[str, Any]) -> str:
    """What a probe spent of what it would spend at most."""
    spent, most = stats["rollouts"], stats["asked_at_most"]
    if spent == most:
        return f"{spent:,}, all that were asked for"
    line = f"{spent:,} of at most {most:,}: {stats['saved']:.0%} saved"
    if "expected_error" in stats:
        line += f"; about {stats['expected_error']:.1%} of the groups would change"
    return line


def probe_command(
    model: Annotated[str, typer.Argument(help="A lab student or a model folder.")],
    k: Annotated[int, typer.Option(min=1, help="Completions a problem.")] = 8,
    limit: Annotated[int | None, typer.Option(min=1, help="Problems of the pool.")] = None,
    adaptive: Annotated[
        str | None,
        typer.Option(help="off, or stop early where certain: difficulty (of the group), mixed (some right)."),
    ] = None,
    stop_error: Annotated[
        float | None, typer.Option(help="How likely a group may still change where sampling stops.")
    ] = None,
    profile: Annotated[str, typer.Option(help="Whose pool and settings.")] = "lab",
    seed: Annotated[int, typer.Option(min=0)] = 0,
    out: Out = Path("runs"),
    as_json: AsJson = False,
) -> None:
    """Correctness rates on the training pool, and the partition into simple, medium and hard."""
    request = ProbeRequest(
        model=model, k=k, limit=limit, adaptive=adaptive, stop_error=stop_error, profile=profile, seed=seed, out=out
    )  # fmt: skip
    with BenchDisplay() as display:
        rows, folder = probe_model(request, display, tell)
    stats = read_json(folder / "stats.json")
    if as_json:
        print_json([row | {c: stats[c] for c in ("rollouts", "asked_at_most")} for row in rows])
        return
    console().print(probe_table(rows))
    print(f"Sampled     {rollouts_line(stats)}")
    print(f"Rollouts    {folder / 'rollouts.parquet'}")
