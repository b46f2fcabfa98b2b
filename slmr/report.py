"""Tables and reports: a bench on the terminal, and a run as Markdown with its figures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slmr.capability import Capability, capability
from slmr.compare import compare_all, differences_table, p_value, shown_difference
from slmr.errors import RequestError
from slmr.figures import (
    bars,
    cost_and_accuracy,
    flow,
    gains_by_difficulty,
    learning_curves,
    page,
    pass_curves,
)
from slmr.results import Z95, Contamination, Summary, SummaryRow, read_summary, run_file
from slmr.standings import Board, Standing, board, in_words
from slmr.stats import Difference, Estimate
from slmr.store import Cost, read_rows

if TYPE_CHECKING:
    from plotly.graph_objects import Figure
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
    return [*cells, percent(mean, half), gain, compact(first.tokens), f"{first.wall_s:.0f} s"]


def contamination_line(found: Sequence[Contamination]) -> str:
    """How many test items share 13 words in a row with the training pool, task by task."""
    parts = [
        f"{c.test} {c.overlapping} of {c.n_test}" + (f" ({c.exact} word for word)" if c.exact else "")
        for c in found
        if c.overlapping
    ]
    pools = " and ".join(dict.fromkeys(c.train for c in found))
    return f"Overlap     test items with 13 words in a row of {pools}: {', '.join(parts) or 'none'}"


def sharing_line(together: Cost, alone: Cost) -> str:
    """What stages that several methods need, made once, save."""
    if not alone.tokens:
        return "Shared      nothing was trained"
    time = f" and {together.wall_s / alone.wall_s:.2f} of the time" if alone.wall_s else ""
    return (
        f"Shared      all methods together took {compact(together.tokens)} tokens, {together.tokens / alone.tokens:.2f}"
        f" of what they take one by one{time}"
    )


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


def write_report(runs: Sequence[Path], out: Path, against: str | None = None) -> Path:
    """`report.md` and, beside it, `figures.html`; returns the former. A section for each run and student.

    Raises:
        RequestError: a run cannot be read, its samples are missing, or `against` is no method of it.
    """
    parts, figures = [], []
    for run in runs:
        text, drawn = run_section(run, against)
        parts.append(text)
        figures += drawn
    if figures:
        parts.append("Figures: [figures.html](figures.html), one page that needs no network.")
    out.mkdir(parents=True, exist_ok=True)
    (out / "report.md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    if figures:
        page(figures, " and ".join(run.name for run in runs), out / "figures.html")
    return out / "report.md"


def run_section(run: Path, against: str | None) -> tuple[str, list[Figure]]:
    """A run as Markdown, with its figures."""
    summary = read_summary(run / "summary.json")
    if not summary.rows:
        raise RequestError(f"{run / 'summary.json'} has no rows: nothing was evaluated")
    students = list(dict.fromkeys(row.student for row in summary.rows))
    boards = [board(run, student) for student in students]
    editions = " and ".join(sorted({row.edition for row in summary.rows}))
    parts = [f"# {run.name} ({editions} edition)", *(in_words(found) for found in boards)]
    figures = []
    for found in boards:
        able = capability(run, found.student, {s.method: s.seeds for s in found.standings})
        parts += [
            f"## {found.student}",
            as_markdown(standings_table(found)),
            as_markdown(changes_table(found)),
        ]
        if able:
            parts += [as_markdown(difficulty_table(able)), as_markdown(pass_table(able))]
        if against:
            differences = compare_all(run, against, found.student)
            parts.append(as_markdown(differences_table(differences, against, found.student)))
        figures += drawings(run, found, able)
    parts += _fine_print(summary)
    return "\n\n".join(parts), figures


def _fine_print(summary: Summary) -> list[str]:
    parts = ["## How it was made"]
    if summary.contamination:
        parts.append(contamination_line(summary.contamination))
    if lines := warnings(summary.rows):
        parts.append("\n".join(f"- {line}" for line in lines))
    commands = dict.fromkeys(row.command for row in summary.rows)
    return [*parts, "\n".join(["```bash", *commands, "```"])]


def standings_table(found: Board) -> Table:
    """Rank, accuracy, gain and cost of every method."""
    from rich.table import Table

    table = Table(title="Mean accuracy over tasks in percent; methods of one rank cannot be told apart")
    for name in ("rank", "method", "kind", "seeds", "mean", "95 %", "sd of seeds", "minus base", "its 95 %", "p (Holm)",
                 "tokens", "TFLOP", "min", "nothing cheaper is better"):  # fmt: skip
        table.add_column(name, justify="left" if name in ("method", "kind") else "right")
    for s in found.standings:
        gain = ["", "", ""]
        if s.gain is not None and s.gain_p is not None:
            gain = [*shown_difference(s.gain), p_value(s.gain_p)]
        table.add_row(
            "" if s.rank is None else str(s.rank), s.method, s.kind, str(len(s.seeds)), f"{100 * s.accuracy.mean:.1f}",
            f"{100 * s.accuracy.low:.1f} to {100 * s.accuracy.high:.1f}",
            "" if s.spread is None else f"{100 * s.spread:.1f}", *gain, compact(s.tokens), f"{s.flops / 1e12:.2f}",
            f"{s.wall_s / 60:.1f}", "yes" if s.efficient else "",
        )  # fmt: skip
    return table


def changes_table(found: Board) -> Table:
    """Every task's change from the untrained student: what was learnt, and what was forgotten."""
    from rich.table import Table

    table = Table(
        title="Change from the untrained student by task in points; * where its 95 % interval leaves out 0"
    )
    table.add_column("method", justify="left")
    for task in found.tasks:
        table.add_column(task, justify="right")
    for s in found.standings:
        if s.kind == "base":
            table.add_row("base, %", *(f"{100 * s.by_task[task].mean:.1f}" for task in found.tasks))
        elif s.changes:
            table.add_row(s.method, *(_starred(s.changes[task]) for task in found.tasks))
    return table


def _starred(d: Difference) -> str:
    return shown_difference(d)[0] + ("*" if d.low > 0 or d.high < 0 else "")


def difficulty_table(found: Sequence[Capability]) -> Table:
    """Accuracy by what the untrained student could do with an item."""
    from rich.table import Table

    base = next(entry for entry in found if entry.method == "base")
    table = Table(
        title="Accuracy in percent by the item's initial difficulty; base is of draws that did not sort it"
    )
    table.add_column("method", justify="left")
    for g in base.gains:
        table.add_column(f"{g.group} ({g.items} items)", justify="right")
    table.add_row("base", *(f"{100 * g.before:.1f}" for g in base.gains))
    for entry in found:
        if entry.method != "base":
            table.add_row(entry.method, *(percent(g.after.mean, _half(g.after)) for g in entry.gains))
    return table


def pass_table(found: Sequence[Capability]) -> Table:
    """pass@k of every method."""
    from rich.table import Table

    table = Table(title="pass@k in percent of the items, unbiased, from so many completions as the largest k")
    table.add_column("method", justify="left")
    for k in found[0].passed:
        table.add_column(f"k = {k}", justify="right")
    for entry in found:
        table.add_row(entry.method, *(percent(e.mean, _half(e)) for e in entry.passed.values()))
    return table


def _half(estimate: Estimate) -> float:
    return (estimate.high - estimate.low) / 2


def drawings(run: Path, found: Board, able: Sequence[Capability]) -> list[Figure]:
    """All figures of a student; of learning curves and moves those of the first seed."""
    drawn = [bars(found), cost_and_accuracy(found)]
    curves = {s.method: _table(run, "course", s, found.student) for s in found.standings}
    if curves := {method: rows for method, rows in curves.items() if rows}:
        drawn.append(learning_curves(curves, found.student))
    if able:
        drawn += [gains_by_difficulty(able, found.student), pass_curves(able, found.student)]
    for s in found.standings:
        if s.kind == "stagewise" and (moves := _table(run, "moves", s, found.student)):
            drawn.append(flow(moves, f"Problems between difficulty groups, {s.method}, {found.student}"))
    return drawn


def _table(run: Path, what: str, s: Standing, student: str) -> list[dict[str, Any]]:
    file = run_file(run, what, s.method, student, s.seeds[0])
    return read_rows(file) if file.is_file() else []


def as_markdown(table: Table) -> str:
    """A table of texts as it stands, with its title above."""
    columns = [[str(column.header), *map(str, column.cells)] for column in table.columns]
    head, *body = ["| " + " | ".join(row) + " |" for row in zip(*columns, strict=True)]
    ruler = "|" + "|".join("---" if c.justify == "left" else "---:" for c in table.columns) + "|"
    return "\n".join([f"{table.title}:\n", head, ruler, *body])
