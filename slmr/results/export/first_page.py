"""Writes the first page of a published run: verdict, picture and table, and all rows as CSV."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

from slmr.io import write_text
from slmr.results.analysis.effects import factorials
from slmr.results.analysis.ranking import RankedMethod, Ranking, run_rankings
from slmr.results.export.downloads import csv_text
from slmr.results.export.provenance import FOLDER
from slmr.results.render.columns import sorted_methods
from slmr.results.render.conclusions import effects_in_words, how_ranked, ranking_in_words
from slmr.results.render.forest import forest_svg
from slmr.results.render.headline import at_chance, facts, main_kinds, verdict
from slmr.results.render.tables import as_markdown, effects_tables, ranking_tables
from slmr.results.runs.schema import SummaryRow

ROWS = "rows.csv"
_MOST = 12  # commands on the page: the others are in the file beside it


def write_first_page(
    folder: Path,
    note: str,
    data: Sequence[str],
    rows: Sequence[SummaryRow],
    manifests: Mapping[str, Mapping[str, Any]],
    name: str,
    inputs: Sequence[str] = (),
) -> None:
    """Writes `README.md`, its pictures and `rows.csv` into a published folder.

    Args:
        note: what stands first, as it is.
        data: where each task's items came from and under which licence, a line each.
        inputs: what is to be said of the files that the commands name, see `copy_inputs`.
    """
    for stale in folder.glob("forest*.svg"):
        stale.unlink()
    parts = [f"# {name}", *([note.strip()] if note.strip() else [])]
    rankings = run_rankings(folder)
    for factorial in factorials([ranking for _, ranking in rankings])[:1]:
        tables = map(as_markdown, effects_tables(factorial))
        parts += ["## What each factor adds", effects_in_words(factorial), *tables]
    for number, (title, ranking) in enumerate(rankings):
        parts += _of_ranking(folder, title, ranking, f"forest{f'-{number + 1}' if number else ''}.svg")
    write_text(folder / ROWS, csv_text([_csv_row(row) for row in rows]))
    parts.append(f"Every row, with its seed and its command, is in [{ROWS}]({ROWS}).")
    if data:
        parts.append("\n".join(["Data:", "", *(f"- {line}" for line in data)]))
    if speed := speed_in_words([manifests.get(key, {}) for key in dict.fromkeys(row.manifest for row in rows)]):
        parts.append(speed)
    commands = merged(list(dict.fromkeys(row.command for row in rows)))
    rest = f"\n\n{len(commands) - _MOST} more are in {ROWS}." if len(commands) > _MOST else ""
    parts.append("Made by:\n\n" + "\n".join(["```", *commands[:_MOST], "```"]) + rest)
    if (folder / FOLDER).is_dir():
        parts.append(f"Run them in [{FOLDER}]({FOLDER}): it holds the recipes, profiles and tasks that they name.")
    if inputs:
        parts.append("\n".join(["Of the files that the commands name:", "", *(f"- {line}" for line in inputs)]))
    write_text(folder / "README.md", "\n\n".join(parts) + "\n")


def _of_ranking(folder: Path, title: str, ranking: Ranking, picture: str) -> list[str]:
    """The section of a ranking."""
    main = replace(ranking, methods=sorted_methods(ranking, main_kinds(ranking)), notes=[])
    parts = [f"## {title}", verdict(ranking)]
    if figures := facts(ranking):
        parts.append("\n".join(f"- {fact.label}: **{fact.value}**, {fact.remark}" for fact in figures))
    if len(main.complete) > 1:
        write_text(folder / picture, forest_svg(ranking, main.methods, width="760"))
        parts.append(f"![Mean accuracy with 95 % intervals]({picture})")
        parts += [ranking_in_words(ranking, title)] if ranking.ranked else []
    parts += at_chance(ranking) + list(map(as_markdown, ranking_tables(main)))
    if main.ranked:
        parts.append(" ".join(how_ranked(ranking)))
    names = {method.name for method in main.methods}
    ablations = [m for m in ranking.methods if m.name not in names]
    return parts + _ablations(replace(ranking, notes=[]), ablations)


def _ablations(ranking: Ranking, methods: list[RankedMethod]) -> list[str]:
    """The ablations and controls, folded."""
    if not methods:
        return []
    table = ranking_tables(replace(ranking, methods=methods))[0]
    head = f"<details><summary>Ablations and controls, which are not ranked: {len(methods)}</summary>"
    return [head, as_markdown(table), "</details>"]


def merged(commands: Sequence[str]) -> list[str]:
    """The commands; those of `slmr bench` that differ in method and seed alone are one."""
    seeds: dict[tuple[str, str], list[str]] = {}  # (method, the other options) → its seeds
    other = []
    for command in commands:
        if (parts := _method_and_seed(command)) is None:
            other.append(command)
        else:
            seeds.setdefault(parts[:2], []).append(parts[2])
    methods: dict[tuple[str, str], list[str]] = {}  # (seeds, the other options) → methods
    for (method, options), method_seeds in seeds.items():
        methods.setdefault((",".join(method_seeds), options), []).append(method)
    return other + [
        f"slmr bench --method {','.join(names)} {options} --seeds {numbers}{'' if ',' in numbers else ','}"
        for (numbers, options), names in methods.items()
    ]


def _method_and_seed(command: str) -> tuple[str, str, str] | None:
    """A bench's method, its other options as a text, and its seeds; None for any other command."""
    try:
        words = shlex.split(command)
    except ValueError:
        return None
    options = dict(zip(words[2::2], words[3::2], strict=False))
    seeds = options.pop("--seeds", None) or options.pop("--seed", None)
    method = options.pop("--method", None)
    if words[:2] != ["slmr", "bench"] or not seeds or not method or len(words) != 2 * len(options) + 6:
        return None
    return method, shlex.join(word for option in options.items() for word in option), seeds.rstrip(",")


def _csv_row(row: SummaryRow) -> dict[str, Any]:
    """A row for the CSV; accuracies and rates are in percent."""
    rates = {
        "accuracy": row.accuracy,
        "accuracy low": row.ci95[0],
        "accuracy high": row.ci95[1],
        "lenient": row.accuracy_lenient,
        "cut off": row.truncated_rate,
        "no answer": row.no_answer_rate,
    }
    return {
        "method": row.method,
        "kind": row.method_kind,
        "student": row.student,
        "seed": row.seed,
        "task": row.task,
        "items": row.n_items,
        "completions": row.k,
        **{name: round(100 * rate, 4) for name, rate in rates.items()},
        "tokens": row.mean_tokens,
        "train tokens": row.train_tokens,
        "rollout tokens": row.rollout_tokens,
        "teacher tokens": row.teacher_tokens,
        "seconds": row.wall_s,
        "flops": row.flops,
        "command": row.command,
    }


def speed_in_words(manifests: Sequence[Mapping[str, Any]]) -> str:
    """How fast the evaluations generated, as a sentence; empty if none did."""
    manifests = [m for m in manifests if m.get("stats", {}).get("engine")]
    if not manifests:
        return ""
    speeds = [m["stats"]["engine"]["tokens_per_s"] for m in manifests]
    machines = " or ".join(sorted({f"{m['device']}, {_threads(m['threads'])}" for m in manifests}))
    if len(speeds) == 1:
        return f"The evaluation generated {speeds[0]:,.0f} tokens a second ({machines})."
    return (
        f"The median of {len(speeds)} evaluations generated {median(speeds):,.0f} tokens a second"
        f" ({min(speeds):,.0f} to {max(speeds):,.0f}; {machines})."
    )


def speed_of(manifest: Mapping[str, Any]) -> str:
    """The speed of an evaluation's engine, in words; empty if it generated nothing."""
    engine = manifest.get("stats", {}).get("engine")
    if not engine:
        return ""
    return (
        f"{engine['tokens']:,} tokens in {engine['seconds']:.0f} s, {engine['tokens_per_s']:,.0f} a second, on"
        f" {manifest['device']} with {_threads(manifest['threads'])}; the whole evaluation"
        f" {manifest['cost']['wall_s']:.0f} s"
    )


def _threads(number: int) -> str:
    return f"{number} thread{'s' * (number != 1)}"
