"""Tables from summary rows, for the terminal and as Markdown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from slmr.compare import compare_all, differences_table
from slmr.errors import RequestError
from slmr.results import Z95, Contamination, SummaryRow, read_summary

if TYPE_CHECKING:
    from rich.table import Table

Key = tuple[str, str, int]


def mean_interval(rows: Sequence[SummaryRow]) -> tuple[float, float]:
    """Unweighted mean of task accuracies, and half its 95 % interval (tasks independent)."""
    mean = sum(row.accuracy for row in rows) / len(rows)
    return mean, Z95 * math.sqrt(sum(row.cautious_stderr**2 for row in rows)) / len(rows)


def grouped(rows: Sequence[SummaryRow]) -> dict[Key, list[SummaryRow]]:
    """The rows of each (method, student, seed), in order of first appearance."""
    groups: dict[Key, list[SummaryRow]] = {}
    for row in rows:
        groups.setdefault((row.method, row.student, row.seed), []).append(row)
    return groups


def bench_table(rows: Sequence[SummaryRow]) -> Table:
    """Methods by tasks and mean, in percent with 95 % intervals, and what each method cost."""
    from rich.table import Table

    groups = grouped(rows)
    tasks = list(dict.fromkeys(row.task for row in rows))
    several = len({key[1:] for key in groups}) > 1
    editions = " and ".join(sorted({row.edition for row in rows}))
    table = Table(
        title=f"Accuracy in percent, ± half the 95 % interval ({editions} edition)", title_justify="left"
    )
    table.add_column("method", no_wrap=True)
    if several:
        table.add_column("student, seed", no_wrap=True)
    for task in tasks:
        table.add_column(task.removeprefix("lab_"), justify="right", no_wrap=True)
    for name in ("mean", "vs base", "tokens", "time"):
        table.add_column(name, justify="right", no_wrap=True, style="bold" if name == "mean" else "")
    for key, group in groups.items():
        table.add_row(*_cells(key, group, tasks, groups.get(("base", *key[1:])), several))
    return table


def _cells(
    key: Key,
    group: Sequence[SummaryRow],
    tasks: Sequence[str],
    base: Sequence[SummaryRow] | None,
    several: bool,
) -> list[str]:
    by_task = {row.task: row for row in group}
    cells = [key[0], f"{key[1]}, {key[2]}"] if several else [key[0]]
    for task in tasks:
        row = by_task.get(task)
        cells.append("" if row is None else percent(row.accuracy, (row.ci95[1] - row.ci95[0]) / 2))
    mean, half = mean_interval(group)
    gain = f"{100 * (mean - mean_interval(base)[0]):+.1f}" if base and key[0] != "base" else ""
    first = group[0]
    tokens = first.train_tokens + first.rollout_tokens + first.teacher_tokens
    return [*cells, percent(mean, half), gain, compact(tokens), f"{first.wall_s:.0f} s"]


def contamination_line(found: Sequence[Contamination]) -> str:
    """How many test items share 13 words in a row with the training pool, task by task."""
    parts = [
        f"{c.test} {c.overlapping} of {c.n_test}" + (f" ({c.exact} word for word)" if c.exact else "")
        for c in found
        if c.overlapping
    ]
    pools = " and ".join(dict.fromkeys(c.train for c in found))
    return f"Overlap     test items with 13 words in a row of {pools}: {', '.join(parts) or 'none'}"


def percent(value: float, half: float) -> str:
    return f"{100 * value:.1f} ±{100 * half:.1f}"


def compact(number: float) -> str:
    """`950`, `12 k`, `3.4 M`."""
    if number < 1000:
        return f"{number:.0f}"
    return f"{number / 1e3:.0f} k" if number < 1e6 else f"{number / 1e6:.1f} M"


def warnings(rows: Sequence[SummaryRow], threshold: float = 0.05) -> list[str]:
    """One line for every cell in which too much was cut off or unanswered."""
    lines = []
    for row in rows:
        for what, rate in (
            ("was cut off by the token budget", row.truncated_rate),
            ("had no answer", row.no_answer_rate),
        ):
            if rate > threshold:
                lines.append(f"{row.method} on {row.task}: {rate:.0%} of the completions {what}")
    return lines


def markdown_report(run: Path, against: str | None) -> str:
    """A run as Markdown: accuracy with intervals and cost, differences to one method, how to make it again.

    Raises:
        RequestError: the run cannot be read, or `against` is no method of it.
    """
    summary = read_summary(run / "summary.json")
    if not summary.rows:
        raise RequestError(f"{run / 'summary.json'} has no rows: nothing was evaluated")
    parts = [f"# {run.name}", as_markdown(bench_table(summary.rows))]
    if against:
        for student in dict.fromkeys(row.student for row in summary.rows):
            found = compare_all(run, against, student)
            parts.append(as_markdown(differences_table(found, against, student)))
    if summary.contamination:
        parts.append(contamination_line(summary.contamination))
    parts += [f"- {line}" for line in warnings(summary.rows)]
    commands = dict.fromkeys(row.command for row in summary.rows)
    parts.append("\n".join(["```bash", *commands, "```"]))
    return "\n\n".join(parts) + "\n"


def as_markdown(table: Table) -> str:
    """A table of texts as it stands, with its title above."""
    columns = [[str(column.header), *map(str, column.cells)] for column in table.columns]
    head, *body = ["| " + " | ".join(row) + " |" for row in zip(*columns, strict=True)]
    ruler = "|" + "|".join("---" if c.justify == "left" else "---:" for c in table.columns) + "|"
    return "\n".join([f"{table.title}:\n", head, ruler, *body])
