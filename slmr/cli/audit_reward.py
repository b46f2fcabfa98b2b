"""`slmr audit-reward`."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from slmr.cli.options import AsJson, Seed, known_kind, print_json, print_table, print_text, warn
from slmr.cli.request import request_command
from slmr.io import disk_faults, write_text
from slmr.results.render.text_tables import text_table
from slmr.rewards.audit import Audit, AuditRequest, audit
from slmr.rewards.audit_report import ErrorRate, again_line, families, notices, rows, times, totals, worst
from slmr.stats import formats

EXAMPLES = (
    "slmr audit-reward my_reward.py:accuracy --kind numeric",
    "slmr audit-reward my_reward.py:compute_score --gold-as '\\boxed{GOLD}' --out cases.jsonl",
)


@request_command(
    AuditRequest,
    function=typer.Argument(help="FILE.py:FUNCTION. The file is run, as you would run it."),
    kinds=Annotated[
        list[str] | None, typer.Option("--kind", parser=known_kind, help="numeric, math or choice; all by default.")
    ],
    style=typer.Option(help="trl, verl, verifiers, lm-eval or pair; by default told from its parameters."),
    gold=typer.Option(help="The parameter, column or field that takes the gold."),
    gold_as=typer.Option(help="How golds are written for it, such as '$GOLD$'."),
    messages=typer.Option("--messages/--texts", help="Pass completions as messages, or as texts."),
    field=typer.Option(help="The score's key, if the function returns a mapping."),
    accept_at=typer.Option(help="The least score that counts as paid."),
    per_family=typer.Option(min=1, help="At most N cases of each family."),
    seed=Seed,
    timeout=typer.Option(min=0.1, help="Seconds after which a case counts as hanging."),
)
def audit_reward_command(
    request: AuditRequest,
    out: Annotated[Path | None, typer.Option(help="File for every case with its score (JSONL).")] = None,
    as_json: AsJson = False,
) -> None:
    """Test a reward function on labelled and adversarial answers: what it pays wrongly, and where it breaks."""
    result = audit(request, lambda line: print(line, file=sys.stderr))
    if out:
        with disk_faults(out):
            write_text(out, "".join(json.dumps(row) + "\n" for row in rows(result)))
    warn(list(notices(result)))
    if as_json:
        print_json(_rows(result))
    else:
        _print(result)


def _rows(result: Audit) -> list[dict[str, object]]:
    rates = [{"name": f"{r.kind}/{r.family}", **asdict(r)} for r in (*totals(result), *families(result))]
    again = [{"name": a.how, **asdict(a)} for a in result.again]
    return [*rates, *again, {"name": "ms", **times(result)}]


def _print(result: Audit) -> None:
    _print_rates(f"{result.request.function}, called as {result.style}", totals(result))
    if errors := [rate for rate in families(result) if rate.wrong]:
        _print_rates("Families with errors", errors)
    for line in worst(result):
        print_text(line, indent=2)
    for again in result.again:
        print(again_line(again))
    ms = times(result)
    print_text(
        f"Time a case: median {ms['median']:.1f} ms, 95th percentile {ms['p95']:.1f} ms, longest {ms['longest']:.0f} ms"
    )


def _print_rates(title: str, rates: list[ErrorRate]) -> None:
    """As a table; where room is short, without what never happened."""
    table = _table(title, rates)
    never = [str(column.header) for column in table.columns if not any(column.cells)]
    print_table(table, spare=never, prose=("cases of",), keys=2)


def _table(title: str, rates: list[ErrorRate]) -> Table:
    columns = (
        "kind",
        "cases of",
        "number",
        "error",
        "%, with its 95 % interval",
        "abstained",
        "raised",
        "hung",
    )
    rows = []
    for r in rates:
        counts = (str(count or "") for count in (r.abstained, r.raised, r.hung))
        rows.append((r.kind, r.family, str(r.cases), r.error, formats.percent(r.rate, r.low, r.high), *counts))
    return text_table(title, columns, rows, left=("kind", "cases of", "error"))
