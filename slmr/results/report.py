"""Tables and reports: a bench on the terminal, and a run as Markdown with its figures."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from slmr.errors import RequestError
from slmr.results.capability import Capability, capability
from slmr.results.compare import ONE_SEED, compare_all, differences_table, p_value, shown_difference
from slmr.results.entries import UNTRAINED, run_entries
from slmr.results.figures import (
    as_divs,
    bars,
    cost_and_accuracy,
    flow,
    gains_by_difficulty,
    learning_curves,
    pass_curves,
    what_was_spent,
)
from slmr.results.html import HELP, board_html, document, escape, table_html, texts
from slmr.results.ranking import Board, board, in_words
from slmr.results.schema import Z95, Contamination, Summary, SummaryRow, read_summary
from slmr.results.spending import PARTS, Spending, spending
from slmr.stats import Difference, Estimate

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
    table = Table(
        title=f"Accuracy in percent, ± half the 95 % interval ({rows[0].edition} edition)",
        title_justify="left",
        caption=ONE_SEED if any(row.method_kind not in UNTRAINED for row in rows) else None,
        caption_justify="left",
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


def write_report(runs: Sequence[Path], out: Path, against: str | None = None, html: bool = False) -> Path:
    """`report.md` and, beside it, `figures.html`, or with `html` the whole as one page, `report.html`.

    Returns the one to read: `report.html` if it is asked for. A section for each run and student.

    Raises:
        RequestError: a run cannot be read, or `against` is no method of it.
    """
    sections = [read_section(run, against) for run in runs]
    parts = [section.markdown() for section in sections]
    figures = [figure for section in sections for figure in section.figures]
    page = "report.html" if html else "figures.html"
    parts.append(f"Figures: [{page}]({page}), one page that needs no network.")
    out.mkdir(parents=True, exist_ok=True)
    (out / "report.md").write_text("\n\n".join(parts) + "\n", encoding="utf-8")
    title = " and ".join(run.name for run in runs)
    divs = iter([f"<figure>{div}</figure>" for div in as_divs(figures)])
    body = [section.html(divs) for section in sections] if html else list(divs)
    (out / page).write_text(document(title, body), encoding="utf-8")
    return out / (page if html else "report.md")


@dataclass(frozen=True)
class Part:
    """What a report says of one student on one edition's tasks: the board, further tables, and figures."""

    title: str
    board: Board
    tables: list[Table]
    figures: list[Figure]


@dataclass(frozen=True)
class Section:
    """One run of a report."""

    name: str
    summary: Summary
    parts: list[Part]

    @property
    def figures(self) -> list[Figure]:
        return [figure for part in self.parts for figure in part.figures]

    @property
    def _title(self) -> str:
        editions = " and ".join(sorted({row.edition for row in self.summary.rows}))
        return f"{self.name} ({editions} edition)"

    def markdown(self) -> str:
        """First in words, then the tables of each student, and how it was made."""
        lines = [f"# {self._title}", *(in_words(part.board, part.title) for part in self.parts)]
        for part in self.parts:
            lines += [f"## {part.title}", as_markdown(standings_table(part.board))]
            lines += map(as_markdown, part.tables)
            lines += ["\n".join(f"- {note}" for note in part.board.notes)] if part.board.notes else []
        return "\n\n".join([*lines, *_fine_print(self.summary)])

    def html(self, divs: Iterator[str]) -> str:
        """The same with the board as it is on the leaderboard, and the figures, which are next in `divs`."""
        lines = [
            f"<h1>{escape(self._title)}</h1>",
            *(f"<p>{escape(in_words(part.board, part.title))}</p>" for part in self.parts),
        ]
        for part in self.parts:
            lines += [f"<h2>{escape(part.title)}</h2>", board_html(part.board)]
            lines += [f'<p class="note">{escape(note)}</p>' for note in part.board.notes]
            lines += islice(divs, len(part.figures))
            lines += map(table_html, part.tables)
        lines.append("<h2>What the columns say</h2>")
        lines += [f'<p class="note"><b>{escape(name)}</b>: {escape(text)}</p>' for name, text in HELP.items()]
        commands = "\n".join(dict.fromkeys(row.command for row in self.summary.rows))
        lines += ["<h2>How it was made</h2>", f"<pre>{escape(commands)}</pre>"]
        return "\n".join(lines)


def read_section(run: Path, against: str | None) -> Section:
    """All that a report says of a run."""
    summary = read_summary(run / "summary.json")
    if not summary.rows:
        raise RequestError(f"{run / 'summary.json'} has no rows: nothing was evaluated")
    editions = len({row.edition for row in summary.rows})
    parts = []
    for student, edition in dict.fromkeys((row.student, row.edition) for row in summary.rows):
        title = student if editions == 1 else f"{student}, {edition} edition"
        parts.append(_read_part(title, board(run_entries(run, student, edition)), against))
    return Section(run.name, summary, parts)


def _read_part(title: str, found: Board, against: str | None) -> Part:
    able = capability([s.entry for s in found.standings])
    tables = [changes_table(found)]
    spent = spending([s.entry for s in found.standings])
    if spent:
        tables.append(spending_table(spent))
    if able:
        tables += [difficulty_table(able), pass_table(able)]
    if against:
        differences = compare_all([s.entry for s in found.standings], against)
        tables.append(differences_table(differences, against, found.student))
    return Part(title, found, tables, drawings(found, able, spent))


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
        mean, interval = ("", "") if s.accuracy is None else _shown(s.accuracy)
        table.add_row(
            "" if s.rank is None else str(s.rank), s.name, s.kind, str(len(s.seeds)), mean, interval,
            "" if s.spread is None else f"{100 * s.spread:.1f}", *gain, compact(s.tokens), f"{s.flops / 1e12:.2f}",
            f"{s.wall_s / 60:.1f}", "yes" if s.efficient else "",
        )  # fmt: skip
    return table


def _shown(estimate: Estimate) -> tuple[str, str]:
    """In percent: the estimate, and its interval."""
    return f"{100 * estimate.mean:.1f}", f"{100 * estimate.low:.1f} to {100 * estimate.high:.1f}"


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


def spending_table(found: Sequence[Spending]) -> Table:
    """Where each method's tokens went, in shares of them."""
    from rich.table import Table

    table = Table(title="What the tokens were spent on, in percent of them; shared stages in full")
    table.add_column("method", justify="left")
    for name in (*PARTS.values(), "tokens"):
        table.add_column(name, justify="right")
    for s in found:
        shares = (getattr(s, part) / s.total for part in PARTS)
        table.add_row(s.method, *(f"{100 * share:.0f}" for share in shares), compact(s.total))
    return table


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
            table.add_row(entry.method, *(percent(g.after.mean, g.after.half) for g in entry.gains))
    return table


def pass_table(found: Sequence[Capability]) -> Table:
    """pass@k of every method."""
    from rich.table import Table

    table = Table(title="pass@k in percent of the items, unbiased, from so many completions as the largest k")
    table.add_column("method", justify="left")
    for k in found[0].passed:
        table.add_column(f"k = {k}", justify="right")
    for entry in found:
        table.add_row(entry.method, *(percent(e.mean, e.half) for e in entry.passed.values()))
    return table


def drawings(found: Board, able: Sequence[Capability], spent: Sequence[Spending]) -> list[Figure]:
    """All figures of a student; of learning curves and moves those of the first seed."""
    drawn = [bars(found), cost_and_accuracy(found), *([what_was_spent(spent, found)] if spent else [])]
    curves = {s.name: s.entry.table("course", s.seeds[0]) for s in found.standings}
    if curves := {name: rows for name, rows in curves.items() if rows}:
        drawn.append(learning_curves(curves, found))
    if able:
        drawn += [gains_by_difficulty(able, found.student), pass_curves(able, found)]
    for s in found.standings:
        if s.kind == "stagewise" and (moves := s.entry.table("moves", s.seeds[0])):
            drawn.append(flow(moves, f"Problems between difficulty groups, {s.method}, {found.student}"))
    return drawn


def as_markdown(table: Table) -> str:
    """A table of texts as it stands, with its title above."""
    head, *body = ["| " + " | ".join(row) + " |" for row in texts(table)]
    ruler = "|" + "|".join("---" if c.justify == "left" else "---:" for c in table.columns) + "|"
    return "\n".join([f"{table.title}:\n", head, ruler, *body])
