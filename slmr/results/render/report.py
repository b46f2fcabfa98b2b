"""Writes a report of runs: Markdown and a page of figures, or one web page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from shlex import join
from typing import TYPE_CHECKING, Any

from slmr.config import STAGEWISE
from slmr.errors import RequestError, readable
from slmr.io import write_text
from slmr.results.analysis.capability import Capability, capability
from slmr.results.analysis.compare import compare_all
from slmr.results.analysis.effects import Factorial, factorials
from slmr.results.analysis.exposure import by_exposure
from slmr.results.analysis.ranking import Ranking, run_rankings
from slmr.results.analysis.spending import Spending, spending
from slmr.results.render.columns import HELP, sorted_methods
from slmr.results.render.conclusions import effects_in_words, how_ranked, ranking_in_words
from slmr.results.render.figures import (
    cost_and_accuracy,
    effects_by_group,
    gains_by_difficulty,
    learning_curves,
    pass_curves,
    tokens_spent,
)
from slmr.results.render.headline import best_of_each_kind, main_kinds
from slmr.results.render.html import document, escape, folded, headline_html, note, ranking_html, table_html
from slmr.results.render.svg import captioned
from slmr.results.render.tables import (
    as_markdown,
    changes_table,
    differences_table,
    difficulty_table,
    effects_tables,
    exposure_table,
    moves_table,
    pass_table,
    ranking_tables,
    spending_table,
)
from slmr.results.render.training_history import validation_curve
from slmr.results.runs.files import SUMMARY
from slmr.results.runs.notes import folded_note, note_of, relinked
from slmr.results.runs.schema import Contamination, Summary, SummaryRow, read_results

if TYPE_CHECKING:
    from plotly.graph_objects import Figure
    from rich.table import Table


def write_report(
    runs: Sequence[Path],
    out: Path,
    against: str | None = None,
    html: bool = False,
    say: Callable[[str], None] = lambda _: None,
) -> Path:
    """Writes `report.md` and `figures.html`, or with `html` the whole report as one page, `report.html`.

    Returns the one to read: `report.html` if it is asked for. A section for each run and student; of several runs
    those that cannot be read are left out, which `say` hears and the report says, a line each.

    Raises:
        RequestError: none of the runs can be read, or has the method `against`.
    """
    sections, left_out = _readable_sections(runs, against, out)
    for line in left_out:
        say(line)
    parts = [section.markdown() for section in sections]
    parts += ["# Left out\n\n" + "\n".join(f"- {line}" for line in left_out)] if left_out else []
    page = "report.html" if html else "figures.html"
    parts.append(f"Figures: [{page}]({page}), one page that needs no network.")
    write_text(out / "report.md", "\n\n".join(parts) + "\n")
    figures = [figure for section in sections for figure in section.figures]
    body = [section.html() for section in sections] if html else [_figures_html(figures)]
    body += [note(line, label="Left out") for line in left_out]
    options = [*(["--against", against] if against else []), *(["--html"] if html else [])]
    body.append(_foot(["slmr", "report", *map(str, runs), "--out", str(out), *options]))
    write_text(out / page, document(" and ".join(section.name for section in sections), body))
    return out / (page if html else "report.md")


def _foot(command: Sequence[str]) -> str:
    """The page's date, slmr's version, and the command."""
    date = f"{datetime.now(UTC):%Y-%m-%d}, slmr {version('slmr')}"
    return f"<footer>{date}: <code>{escape(join(command))}</code></footer>"


def _figures_html(figures: Sequence[Figure]) -> str:
    """The figures with their titles, below each other."""
    return "\n".join(map(captioned, figures))


def _readable_sections(runs: Sequence[Path], against: str | None, out: Path) -> tuple[list[Section], list[str]]:
    """The sections of the readable runs, with links that work in `out`; a line for each other run."""
    sections, faults = list[Section](), list[RequestError]()
    for run in runs:
        try:
            section = read_section(run, against)
            sections.append(replace(section, note=relinked(section.note, run, out)))
        except RequestError as error:
            faults.append(error)
    if not sections:
        raise (
            faults[0]
            if len(faults) == 1
            else RequestError(f"none of the runs can be read: {'; '.join(map(str, faults))}")
        )
    return sections, [readable(str(fault)) for fault in faults]


_EFFECTS = "What each of the paper's claims adds"
_TOO_MANY = 0.05  # share of completions that were cut off or unanswered, above which a cell is named


@dataclass(frozen=True)
class Part:
    """A student's part of a report: the ranking, further tables, and figures."""

    title: str
    ranking: Ranking
    tables: list[Table]
    figures: list[Figure]

    @classmethod
    def of(cls, title: str, ranking: Ranking, against: str | None) -> Part:
        """The part of a ranking, with all methods' differences to `against` if that is given."""
        capabilities, spendings = capability(ranking.results), spending(ranking.results)
        main = replace(ranking, methods=sorted_methods(ranking, main_kinds(ranking)))
        tables = [changes_table(ranking)]
        if accuracies := by_exposure(ranking):
            tables.append(exposure_table(accuracies))
        if spendings:
            tables.append(spending_table(spendings))
        if capabilities:
            tables += [difficulty_table(capabilities), pass_table(capabilities)]
        if against:
            differences = compare_all(ranking.results, against, ranking.suite)
            name = f"Difference to {against} ({ranking.student})"
            tables.append(differences_table(differences, f"minus {against}", name))
        # Of every stage-wise method's first seed.
        tables += [
            moves_table(moves, f"Problems between difficulty groups, {r.method}, {ranking.student}")
            for r in ranking.results
            if r.kind == STAGEWISE and (moves := r.table("moves", r.seeds[0]))
        ]
        return cls(title, ranking, tables, figures_of(main, capabilities, spendings))

    @property
    def words(self) -> str:
        """The ranking in sentences."""
        return ranking_in_words(self.ranking, self.title)


@dataclass(frozen=True)
class Section:
    """One run of a report, with the effects of the paper's claims if it has the factorial's recipes."""

    name: str
    summary: Summary
    parts: list[Part]
    note: str = ""
    effects: Sequence[Factorial] = ()

    @property
    def figures(self) -> list[Figure]:
        """The figures of the effects, then those of all parts."""
        return [
            *map(effects_by_group, self.effects),
            *(figure for part in self.parts for figure in part.figures),
        ]

    @property
    def _title(self) -> str:
        editions = " and ".join(sorted({row.edition for row in self.summary.rows}))
        return f"{self.name} ({editions} edition)"

    @property
    def _commands(self) -> list[str]:
        return list(dict.fromkeys(row.command for row in self.summary.rows))

    def markdown(self) -> str:
        """The section as Markdown: in words, then each student's tables, then the commands."""
        lines = [
            f"# {self._title}",
            *([self.note] if self.note else []),
            *map(effects_in_words, self.effects),
            *(part.words for part in self.parts),
        ]
        if self.effects:
            lines.append(f"## {_EFFECTS}")
            lines += [as_markdown(table) for factorial in self.effects for table in effects_tables(factorial)]
        for part in self.parts:
            lines.append(f"## {part.title}")
            lines += map(as_markdown, [*ranking_tables(part.ranking, part.title), *part.tables])
            notes = [*how_ranked(part.ranking), *part.ranking.notes]
            lines += ["\n".join(f"- {line}" for line in notes)] if notes else []
        lines.append("## How it was made")
        if self.summary.contamination:
            lines.append(contamination_line(self.summary.contamination))
        if cells := warnings(self.summary.rows):
            lines.append("\n".join(f"- {line}" for line in cells))
        return "\n\n".join([*lines, "\n".join(["```bash", *self._commands, "```"])])

    def html(self) -> str:
        """The section as HTML: each student's verdict and forest plot; everything else is folded."""
        lines = [f"<h1>{escape(self._title)}</h1>"]
        lines.append(_note(*folded_note(self.note)))
        for part in self.parts:
            lines += [f"<h2>{escape(part.title)}</h2>", headline_html(part.ranking, main_kinds(part.ranking))]
            lines.append(folded("In words", f"<p>{escape(part.words)}</p>"))
            table = "\n".join([ranking_html(part.ranking), *map(note, part.ranking.notes)])
            lines.append(folded("All methods, with cost and every task", table))
            lines.append(folded("Figures", _figures_html(part.figures)))
            lines += [folded(str(table.title), table_html(table)) for table in part.tables]
        if self.effects:
            words = "".join(f"<p>{escape(effects_in_words(factorial))}</p>" for factorial in self.effects)
            tables = "".join(table_html(table) for factorial in self.effects for table in effects_tables(factorial))
            lines += [f"<h2>{_EFFECTS}</h2>", words, _figures_html([*map(effects_by_group, self.effects)])]
            lines.append(folded("The effects as tables", tables))
        lines.append(folded("What the columns mean", "".join(note(text, label=name) for name, text in HELP.items())))
        commands = "\n".join(self._commands)
        return "\n".join([*lines, folded("How it was made", f"<pre>{escape(commands)}</pre>")])


def read_section(run: Path, against: str | None) -> Section:
    """The section of a run; raises as `write_report`."""
    summary = read_results(run / SUMMARY)
    rankings = run_rankings(run)
    parts = [Part.of(title, ranking, against) for title, ranking in rankings]
    return Section(run.name, summary, parts, note_of(run), factorials([ranking for _, ranking in rankings]))


def figures_of(ranking: Ranking, capabilities: Sequence[Capability], spendings: Sequence[Spending]) -> list[Figure]:
    """All figures of a student's methods; learning curves are of the first seed."""
    student, names = ranking.student, {m.name for m in ranking.methods}
    figures = [cost_and_accuracy(ranking)]
    if spendings := [s for s in spendings if s.method in names]:
        figures.append(tokens_spent(spendings, student))
    if curves := {r.name: rows for r in ranking.results if (rows := validation_curve(r))}:
        best = best_of_each_kind(list(curves), ranking)
        figures.append(_of_some(learning_curves({name: curves[name] for name in best}, ranking), len(curves)))
    if capabilities := [c for c in capabilities if c.method in names]:
        best = best_of_each_kind([c.method for c in capabilities], ranking)
        curve = pass_curves([c for c in capabilities if c.method in best], ranking)
        figures += [gains_by_difficulty(capabilities, student), _of_some(curve, len(capabilities))]
    return figures


def _of_some(figure: Figure, count: int) -> Figure:
    """Adds to the title that only the best lines are drawn, if there are fewer than `count`."""
    plot: Any = figure
    if len({trace.name for trace in plot.data if trace.name}) < count:
        figure.update_layout(title_text=f"{plot.layout.title.text}: the best of each kind")
    return figure


def _note(start: str, rest: str) -> str:
    """The note on the run, folded behind its first sentence if it is long."""
    if rest:
        return folded(start, f"<p>{escape(rest)}</p>")
    return f"<p>{escape(start)}</p>" if start else ""


def contamination_line(shared: Sequence[Contamination]) -> str:
    """The number of test items of each task that share 13 words in a row with the training pool."""
    parts = [
        f"{c.test} {c.overlapping} of {c.n_test}" + (f" ({c.exact} word for word)" if c.exact else "")
        for c in shared
        if c.overlapping
    ]
    pools = " and ".join(dict.fromkeys(c.train for c in shared))
    return f"Overlap     test items that share 13 words in a row with {pools}: {', '.join(parts) or 'none'}"


def warnings(rows: Sequence[SummaryRow]) -> list[str]:
    """One line for each row in which too many completions were cut off or unanswered."""
    faults = {"truncated_rate": "were cut off by the token limit", "no_answer_rate": "had no answer"}
    return [
        f"{row.method} on {row.task}: {rate:.0%} of the completions {fault}"
        for row in rows
        for name, fault in faults.items()
        if (rate := getattr(row, name)) > _TOO_MANY
    ]
