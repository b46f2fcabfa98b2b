"""`slmr preflight`: what is known before a training is paid for."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import typer
from rich.table import Table

from slmr.cli.display import BenchDisplay, tell
from slmr.cli.options import (
    SAMPLING_OPTIONS,
    AsJson,
    DataDir,
    console,
    print_json,
    print_text,
)
from slmr.cli.request import request_command
from slmr.pipeline.preflight import Preflight, PreflightRequest, preflight
from slmr.stats import Estimate, formats

EXAMPLES = (
    "slmr preflight lab-llama lab_gsm8k",
    "slmr preflight my/model gsm8k_platinum --profile smol --limit 100 --max-tokens 512",
)


@request_command(
    PreflightRequest,
    model=typer.Argument(help="A lab student, a model's folder or hub name, a server's URL."),
    task=typer.Argument(help="Whose training problems are sampled."),
    k=typer.Option(min=2, help="Completions a problem at most."),
    limit=typer.Option(min=2, help="Problems of the pool."),
    group_size=typer.Option(min=2, help="Completions in a group of GRPO, instead of the profile's."),
    correlation=typer.Option(
        min=0, max=0.99, help="Assumed between an item's scores before and after, for the smallest gain."
    ),
    **SAMPLING_OPTIONS,
)
def preflight_command(request: PreflightRequest, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Whether RL has a signal, what the test set can show, what a run will cost: before it is paid for.

    The same command again samples nothing that is there.
    """
    with BenchDisplay("preflight") as display:
        result = preflight(request, display, tell)
    if as_json:
        print_json([as_row(result)])
        return
    console().print(preflight_table(result))
    for line in result.verdicts:
        print_text(line, indent=2)


def preflight_table(result: Preflight) -> Table:
    """The figures, at most 80 columns wide."""
    signal = result.signal
    table = Table(
        "",
        "percent, with its 95 % interval",
        title_justify="left",
        title=f"{result.request.model[-30:]} on {signal.problems} training problems of {result.request.task[-20:]}",
    )
    loss = signal.format_loss
    rows = (
        ("right at once (pass@1)", _percent(signal.pass_1)),
        (f"right within {signal.k} (pass@{signal.k})", _percent(signal.pass_k)),
        ("right in any form", _percent(signal.lenient)),
        ("format loss, points", formats.points(loss.mean, loss.low, loss.high)),
        (f"cut off at {result.max_tokens} tokens", _percent(signal.cut_off)),
        (f"mixed groups of {signal.group_size}, expected", _percent(signal.mixed)),
    )
    for row in rows:
        table.add_row(*row)
    table.add_section()
    table.add_row(
        "smallest gain the test shows",
        f"{100 * result.smallest_gain:.1f} points: {result.items} items × {result.item_k}, correlation"
        f" {result.request.correlation:g}",
    )
    for cost in result.costs:
        spent = f"{formats.tokens(cost.tokens)} tokens"
        if cost.seconds is not None:
            spent += f", {formats.duration(cost.seconds)} {cost.where}"
        table.add_row(f"{cost.method} of {result.request.profile[-20:]}", spent)
    return table


def _percent(rate: Estimate) -> str:
    return formats.percent(rate.mean, rate.low, rate.high)


def as_row(result: Preflight) -> dict[str, Any]:
    """What a script reads: fractions, each rate with its interval."""
    signal = result.signal
    rates = ("pass_1", "pass_k", "lenient", "format_loss", "cut_off", "mixed")
    return {
        "model": result.request.model,
        "task": result.request.task,
        "profile": result.request.profile,
        "problems": signal.problems,
        "k": signal.k,
        "completions": signal.completions,
        "tokens": signal.tokens,
        "max_tokens": result.max_tokens,
        "group_size": signal.group_size,
        **{name: [(e := getattr(signal, name)).mean, e.low, e.high] for name in rates},
        "smallest_gain": result.smallest_gain,
        "items": result.items,
        "item_k": result.item_k,
        "correlation": result.request.correlation,
        "costs": [asdict(cost) for cost in result.costs],
        "verdicts": list(result.verdicts),
    }
