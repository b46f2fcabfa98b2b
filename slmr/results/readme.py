"""Writes the first page of a published run: verdict, picture and table, and all rows as CSV."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from slmr.io import write_text
from slmr.results.columns import sorted_methods
from slmr.results.conclusions import ranking_in_words
from slmr.results.downloads import csv_text
from slmr.results.forest import forest_svg
from slmr.results.headline import at_chance, facts, main_kinds, verdict
from slmr.results.made_with import FOLDER
from slmr.results.ranking import Ranking, run_rankings
from slmr.results.schema import SummaryRow
from slmr.results.tables import as_markdown, ranking_tables

ROWS = "rows.csv"
_MOST = 12  # lines of a list on the page: the others are in the files beside it


def write_first_page(
    folder: Path, note: str, data: Sequence[str], rows: Sequence[SummaryRow],
    manifests: Mapping[str, Mapping[str, Any]], name: str, inputs: Sequence[str] = (),
) -> None:  # fmt: skip
    """Writes `README.md`, its pictures and `rows.csv` into a published folder.

    Args:
        note: what stands first, as it is.
        data: where each task's items came from and under which licence, a line each.
        inputs: what is to be said of the files that the commands name, see `copy_inputs`.
    """
    for stale in folder.glob("forest*.svg"):
        stale.unlink()
    parts = [f"# {name}", *([note.strip()] if note.strip() else [])]
    for number, (title, ranking) in enumerate(run_rankings(folder)):
        parts += _of_ranking(folder, title, ranking, f"forest{f'-{number + 1}' if number else ''}.svg")
    write_text(folder / ROWS, csv_text([_csv_row(row) for row in rows]))
    parts.append(f"Every row, with its seed and its command, is in [{ROWS}]({ROWS}).")
    parts += _listed("Data:", data, "summary.json") + _listed(
        "Speed:", speeds(rows, manifests), "manifests.json"
    )
    commands = list(dict.fromkeys(row.command for row in rows))
    more = f"\n\n{len(commands) - _MOST} more are in {ROWS}." if len(commands) > _MOST else ""
    parts.append("Made by:\n\n" + "\n".join(["```", *commands[:_MOST], "```"]) + more)
    if (folder / FOLDER).is_dir():
        parts.append(
            f"Run them in [{FOLDER}]({FOLDER}): it holds the recipes, profiles and tasks that they name."
        )
    if inputs:
        parts.append(
            "\n".join(["Of the files that the commands name:", "", *(f"- {line}" for line in inputs)])
        )
    write_text(folder / "README.md", "\n\n".join(parts) + "\n")


def _of_ranking(folder: Path, title: str, ranking: Ranking, picture: str) -> list[str]:
    """The section of a ranking."""
    shown = replace(ranking, methods=sorted_methods(ranking, main_kinds(ranking)), notes=[])
    parts = [f"## {title}", verdict(ranking)]
    if found := facts(ranking):
        parts.append("\n".join(f"- {fact.label}: **{fact.value}**, {fact.remark}" for fact in found))
    if len(shown.complete) > 1:
        write_text(folder / picture, forest_svg(ranking, shown.methods, width="760"))
        parts.append(f"![Mean accuracy with 95 % intervals]({picture})")
        parts.append(ranking_in_words(ranking, title))
    parts += at_chance(ranking) + list(map(as_markdown, ranking_tables(shown)))
    if hidden := len(ranking.methods) - len(shown.methods):
        parts.append(f"{hidden} more, ablations and controls, are shown by `slmr leaderboard`.")
    return parts


def _listed(head: str, lines: Sequence[str], file: str) -> list[str]:
    """A list under its heading; of a long list it names the file with the rest. Empty without lines."""
    if not lines:
        return []
    more = [f"- {len(lines) - _MOST} more in {file}"] if len(lines) > _MOST else []
    return ["\n".join([head, "", *(f"- {line}" for line in lines[:_MOST]), *more])]


def _csv_row(row: SummaryRow) -> dict[str, Any]:
    """A row for the CSV; accuracies and rates are in percent."""
    rates = {
        "accuracy": row.accuracy, "accuracy low": row.ci95[0], "accuracy high": row.ci95[1],
        "lenient": row.accuracy_lenient, "cut off": row.truncated_rate, "no answer": row.no_answer_rate,
    }  # fmt: skip
    return {
        "method": row.method, "kind": row.method_kind, "student": row.student, "seed": row.seed, "task": row.task,
        "items": row.n_items, "completions": row.k, **{name: round(100 * rate, 4) for name, rate in rates.items()},
        "tokens": row.mean_tokens, "train tokens": row.train_tokens, "rollout tokens": row.rollout_tokens,
        "teacher tokens": row.teacher_tokens, "seconds": row.wall_s, "flops": row.flops, "command": row.command,
    }  # fmt: skip


def speeds(rows: Sequence[SummaryRow], manifests: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The speed of each evaluation that generated something, after whom it evaluated."""
    evaluated = {row.manifest: row for row in rows}
    one_student = len({row.student for row in rows}) == 1
    said: list[str] = []
    for key, row in evaluated.items():
        method = row.method if one_student else f"{row.method} of {row.student}"
        if speed := speed_of(manifests.get(key, {})):
            said.append(f"{row.student if row.method_kind == 'model' else method}, seed {row.seed}: {speed}")
    return said


def speed_of(manifest: Mapping[str, Any]) -> str:
    """The speed of an evaluation's engine, in words; empty if it generated nothing."""
    engine = manifest.get("stats", {}).get("engine")
    if not engine:
        return ""
    threads = manifest["threads"]
    return (
        f"{engine['tokens']:,} tokens in {engine['seconds']:.0f} s, {engine['tokens_per_s']:,.0f} a second, on"
        f" {manifest['device']} with {threads} thread{'s' * (threads != 1)}; the whole evaluation"
        f" {manifest['cost']['wall_s']:.0f} s"
    )
