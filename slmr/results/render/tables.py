"""Tables of text, for the terminal and for reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from slmr.results.analysis.compare import DEFAULT_LABELS, Comparison, OverallDifference, detectable
from slmr.results.analysis.exposure import ExposureAccuracy
from slmr.results.analysis.ranking import RankedMethod, Ranking
from slmr.results.analysis.spending import PARTS, Spending
from slmr.results.render.columns import TEXT, Column, columns_on
from slmr.results.render.conclusions import how_ranked, in_points
from slmr.results.render.text_tables import fitted, in_parts, table_width, text_table
from slmr.results.runs.method_results import MethodResult
from slmr.results.runs.paired_scores import mean_interval
from slmr.results.runs.suites import suite_of_mean
from slmr.stats import Difference, Estimate, formats

if TYPE_CHECKING:
    from rich.table import Table

    from slmr.results.analysis.capability import Capability
    from slmr.results.analysis.effects import Factorial


def texts(table: Table) -> list[tuple[str, ...]]:
    """The texts of a table: the headings, then each row."""
    columns = [[str(column.header), *map(str, column.cells)] for column in table.columns]
    return list(zip(*columns, strict=True))


def as_markdown(table: Table) -> str:
    """The table as Markdown, with its title above."""
    head, *body = ["| " + " | ".join(row) + " |" for row in texts(table)]
    ruler = "|" + "|".join("---" if c.justify == "left" else "---:" for c in table.columns) + "|"
    return "\n".join([f"{table.title}:\n", head, ruler, *body])


# Of a terminal narrower than this, only what fits any: nothing of a name or a mean is ever cut.
WIDE = 115
_NARROW = ("method", "model", "mean", "gain", "tokens", "minutes")
_SIGNS = {
    "*": "* significant after Holm's correction over the methods.",
    "◆": "◆ Pareto-optimal: no other method is both cheaper and better.",
}


def ranking_tables(ranking: Ranking, title: str | None = None, width: int | None = None) -> list[Table]:
    """A table with each method's rank, mean accuracy, gain and cost, and tables with its accuracy on each task.

    With a width, of the first table what fits, and of the tasks as many beside each other as fit.
    """
    columns = columns_on(ranking, TEXT)
    name = next(column for column in columns if column.name in ("method", "model"))
    tasks = [*ranking.tasks, *ranking.other_tasks]
    head = f"{title or ranking.student}: {ranking.title} in percent with its 95 % interval"
    main = _fitting([c for c in columns if c.name not in tasks], ranking.methods, width)
    blocks = _blocks(name, [c for c in columns if c.name in tasks], ranking.methods, width)
    caption = "\n".join([*how_ranked(ranking), *_signs(main, ranking.methods), *ranking.notes])
    remark = "; methods whose ranks overlap cannot be told apart" if any(c.name == "rank" for c in main) else ""
    return [
        _ranking_table(head + remark, ranking.methods, main, caption or None),
        *(
            _ranking_table("Accuracy by task in percent with its 95 % interval", ranking.methods, block)
            for block in blocks
        ),
    ]


def _signs(columns: Sequence[Column], methods: Sequence[RankedMethod]) -> list[str]:
    """A line that explains the signs in these columns."""
    cells = "".join(column.text(method) for column in columns for method in methods)
    meanings = [meaning for sign, meaning in _SIGNS.items() if sign in cells]
    return [" ".join(meanings)] if meanings else []


def _fitting(columns: list[Column], methods: Sequence[RankedMethod], width: int | None) -> list[Column]:
    """All columns if they fit, else the most important ones, if necessary with the gain without its interval."""
    if width is None or (width >= WIDE and _width(columns, methods) <= width):
        return columns
    narrow = [column for column in columns if column.name in _NARROW]
    if _width(narrow, methods) <= width:
        return narrow
    return [_without_interval(column) if column.name == "gain" else column for column in narrow]


def _without_interval(column: Column) -> Column:
    return replace(column, text=lambda method: column.text(method).partition(" (")[0])


def _blocks(
    name: Column, tasks: Sequence[Column], methods: Sequence[RankedMethod], width: int | None
) -> list[list[Column]]:
    """Blocks of columns: the names with as many tasks as fit, until all tasks are included."""
    return in_parts([name, *tasks], 1, lambda block: width is None or _width(block, methods) <= width)


def _width(columns: Sequence[Column], methods: Sequence[RankedMethod]) -> int:
    """The width of a table in characters, with its lines."""
    return table_width(max(map(len, [column.name, *map(column.text, methods)])) for column in columns)


def _ranking_table(
    title: str, methods: Sequence[RankedMethod], columns: Sequence[Column], caption: str | None = None
) -> Table:
    rows = [[column.text(method) for column in columns] for method in methods]
    return text_table(title, [column.name for column in columns], rows, caption)


def changes_table(ranking: Ranking) -> Table:
    """The change of each method from the untrained student on each task."""
    rows = []
    for method in ranking.methods:
        if method.kind == "base":
            by_task = method.by_task
            accuracies = (formats.percent(by_task[t].mean) if t in by_task else "" for t in ranking.tasks)
            rows.append(["base, %", *accuracies])
        elif method.changes:
            rows.append([method.name, *(_starred(method.changes[task]) for task in ranking.tasks)])
    title = "Change from the untrained student by task in points; * where its 95 % interval excludes 0"
    return text_table(title, ["method", *ranking.tasks], rows)


def _starred(d: Difference) -> str:
    return formats.points(d.mean, mark="*" if d.low > 0 or d.high < 0 else "")


def spending_table(spendings: Sequence[Spending]) -> Table:
    """The shares of each method's tokens by what they were spent on."""
    rows = [
        [s.method, *(f"{100 * getattr(s, part) / s.total:.0f}" for part in PARTS), formats.tokens(s.total)]
        for s in spendings
    ]
    title = "What the tokens were spent on, in percent; shared stages in full"
    return text_table(title, ["method", *PARTS.values(), "tokens"], rows)


def difficulty_table(capabilities: Sequence[Capability]) -> Table:
    """Accuracy by initial difficulty."""
    base = next(capability for capability in capabilities if capability.method == "base")
    rows = [["base", *(formats.percent(gain.before) for gain in base.gains)]]
    rows += [[c.method, *(_percent(gain.after) for gain in c.gains)] for c in capabilities if c is not base]
    title = "Accuracy in percent by the item's initial difficulty; base on completions that were not used for sorting"
    return text_table(title, ["method", *(f"{g.group} ({g.items} items)" for g in base.gains)], rows)


def exposure_table(accuracies: Mapping[str, Sequence[ExposureAccuracy]]) -> Table:
    """Strict and sound accuracy of each method by the exposure of the items."""
    first = next(iter(accuracies.values()))
    rows = [
        [
            method,
            *(
                f"{_percent(a.strict)} / {formats.percent(a.sound)}" if a.sound is not None else _percent(a.strict)
                for a in row
            ),
        ]
        for method, row in accuracies.items()
    ]
    title = "Accuracy in percent by what an item needs, over all tasks: strict with its interval / sound"
    return text_table(title, ["method", *(f"{a.exposure} ({a.items} items)" for a in first)], rows)


def pass_table(capabilities: Sequence[Capability]) -> Table:
    """pass@k of every method."""
    rows = [[c.method, *map(_percent, c.passed.values())] for c in capabilities]
    title = "pass@k in percent, unbiased, from as many completions per item as the largest k"
    return text_table(title, ["method", *(f"k = {k}" for k in capabilities[0].passed)], rows)


def moves_table(moves: Sequence[Mapping[str, Any]], title: str) -> Table:
    """The number of problems that moved from one group to another, round by round."""
    rows = [
        [
            str(m["round"]),
            m["before"],
            m["after"],
            "after SFT" if m["to"] == "primed" else "next round",
            str(m["n"]),
        ]
        for m in moves
    ]
    return text_table(title, ["round", "from", "to", "when", "problems"], rows)


def _percent(e: Estimate) -> str:
    return formats.percent(e.mean, e.low, e.high)


def differences_table(differences: Sequence[OverallDifference], heading: str, title: str) -> Table:
    """One row per method: its difference to another one, with its p-value."""
    rows = [[d.method, str(d.seeds), *_difference_cells(d.difference, d.p)] for d in differences]
    heads = ["method", "seeds", heading, "p (Holm)", "detectable"]
    return text_table(f"{title}, mean over tasks in points, paired by item", heads, rows)


def _difference_cells(d: Difference, p: float) -> tuple[str, str, str]:
    """The difference with its interval, its p-value, and the detectable difference."""
    return in_points(d), formats.p_value(p), formats.percent(detectable(d))


def comparison_tables(comparison: Comparison, width: int) -> list[Table]:
    """As `comparison_table`, laid out for a terminal."""
    return fitted(comparison_table(comparison), width, ("detectable", comparison.labels))


def comparison_table(comparison: Comparison) -> Table:
    """One row per task, and the mean, of the comparison of A with B, under their labels."""
    a, b = comparison.labels
    rows = [
        [
            t.task,
            str(t.items),
            formats.percent(t.a),
            formats.percent(t.b),
            *_difference_cells(t.difference, t.p),
            str(len(t.only_a)),
            str(len(t.only_b)),
        ]
        for t in comparison.tasks
    ]
    if mean := comparison.mean:
        means = ("" if m is None else formats.percent(m) for m in (comparison.mean_a, comparison.mean_b))
        rows.append([comparison.mean_name, "", *means, *_difference_cells(mean, mean.p), "", ""])
    heads = [
        "task",
        "items",
        a,
        b,
        f"{a} - {b}",
        "p (Holm)",
        "detectable",
        f"only {a}",
        f"only {b}",
    ]
    title = f"{a} - {b}, accuracy in percent with the difference's 95 % interval, paired by item"
    title += "; p after Holm's correction"
    caption = f"A  {comparison.a}\nB  {comparison.b}" if comparison.labels == DEFAULT_LABELS else None
    return text_table(title, heads, rows, caption)


def eval_tables(result: MethodResult, suites: Mapping[str, tuple[str, ...]], width: int) -> list[Table]:
    """As `eval_table`, laid out for a terminal."""
    return fitted(eval_table(result, suites), width, ("edition", "tokens", "lenient"))


def eval_table(result: MethodResult, suites: Mapping[str, tuple[str, ...]] | None = None) -> Table:
    """One row per task of a model, and the mean over those of a suite if there are several."""
    rows = result.rows()
    several = rows[0].k > 1
    heads = ["task", "edition", "items", "accuracy", "lenient", "format loss"]
    heads += [f"pass@{rows[0].k}", f"maj@{rows[0].k}"] if several else []
    lines = []
    for row in rows:
        items = f"{row.n_items} x {row.k}" if several else str(row.n_items)
        sampled_rates = [row.pass_at[str(row.k)], row.maj_at_k] if row.pass_at and row.maj_at_k else []
        lines.append(
            [
                row.task,
                row.edition,
                items,
                _percent(result.scores[row.task].interval),
                formats.percent(row.accuracy_lenient),
                formats.percent(row.format_loss),
                *(formats.percent(*estimate) for estimate in sampled_rates if several),
                *map(formats.percent, (row.truncated_rate, row.no_answer_rate)),
                f"{row.mean_tokens:.1f}",
            ]
        )
    suite, _ = suite_of_mean(rows, suites or {})
    if suite and len(rows) > 1:
        tasks = suite.among(result.tasks)
        mean = mean_interval([result.scores[task] for task in tasks])
        name = "mean" if len(tasks) == len(rows) else f"mean, {suite.name}"
        lenient = formats.percent(result.rate("accuracy_lenient", tasks))
        lines.append([name, "", "", _percent(mean), lenient])
    title = f"{rows[0].student}: accuracy in percent with its 95 % interval"
    return text_table(title, [*heads, "cut off", "no answer", "tokens"], lines)


def effects_tables(factorial: Factorial) -> list[Table]:
    """The effects on each outcome, and the main effects by the items' level or exposure if they have one."""
    primary = factorial.outcomes[0]
    heads = ["effect", *(o.outcome for o in factorial.outcomes), "p (Holm)", "detectable"]
    rows = [
        [
            effect.name,
            *(in_points(o.effects[i].difference) for o in factorial.outcomes),
            formats.p_value(effect.p),
            formats.percent(detectable(effect.difference)),
        ]
        for i, effect in enumerate(primary.effects)
    ]
    of = f"{' and '.join(factorial.students)}, seeds: {factorial.seeds} each"
    title = f"What each factor adds in points with its 95 % interval ({of}); p of the primary outcome, the first"
    tables = [text_table(title, heads, rows, "\n".join(factorial.notes) or None)]
    if factorial.groups:
        by_group = [
            [group.outcome, str(group.items), *(in_points(e.difference) for e in group.mains)]
            for group in factorial.groups
        ]
        heads = ["items of", "items", *(effect.name for effect in primary.mains)]
        tables.append(text_table(f"Main effects on {primary.outcome} by the items", heads, by_group))
    return tables
