"""Writes a model card and `.eval_results` YAML for a model on a hub. Files only; nothing is sent.

A board gets results of the paper edition whose items came from a data set of the hub: of files nobody knows which
data they are, and what the lab measures means nothing elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from slmr.errors import RequestError, readable
from slmr.io import write_text
from slmr.results.export.lm_eval import model_name
from slmr.results.runs.files import SUMMARY
from slmr.results.runs.schema import Contamination, Summary, SummaryRow, grouped, read_results
from slmr.stats.formats import percent

_HUB_DATA = re.compile(r"hub ([\w.-]+/[\w.-]+)")
_HUB_MODEL = re.compile(r"[\w.-]+/[\w.-]+")


def export_hub(run: Path, out: Path) -> tuple[list[Path], list[str]]:
    """Writes a folder for each model of a run except untrained students; returns the files and notices of omissions.

    Raises:
        RequestError: the folder is no run, or has untrained students alone.
    """
    summary = read_results(run / SUMMARY)
    date = datetime.fromtimestamp(int((run / SUMMARY).stat().st_mtime), UTC).date().isoformat()
    trained = [row for row in summary.rows if row.method_kind != "base"]
    groups = grouped(trained, lambda row: row.identity[:3])
    if not groups:
        raise RequestError(f"{run} holds untrained students alone: their cards are their makers'")
    files, notices = [], []
    for rows in groups.values():
        folder = out / re.sub(r"[^\w.-]+", "--", model_name(rows[0])).strip("-.")
        write_text(folder / "README.md", _card(rows, summary))
        files.append(folder / "README.md")
        if entries := [_entry(row, date) for row in rows if not _why_not(row)]:
            files.append(_results(folder, entries))
        notices += [f"{model_name(row)}, {row.task}: {why}" for row in rows if (why := _why_not(row))]
    return files, notices


# ------------------------------------------------------------------------------------------------- the board


def _why_not(row: SummaryRow) -> str:
    """Why a result is not for public boards; empty if it is."""
    if row.edition != "paper":
        which = "on tasks of your own" if row.edition == "own" else f"of the {row.edition} edition"
        return f"results {which} are in the card and never in .eval_results, which boards read"
    if _HUB_DATA.match(row.data or ""):
        return ""
    return f"its items came from {row.data or 'an unknown place'}, no data set of the hub: not in .eval_results"


def _entry(row: SummaryRow, date: str) -> Any:
    from huggingface_hub import EvalResultEntry

    match = _HUB_DATA.match(row.data or "")
    assert match is not None  # else `_why_not` says so
    notes = (
        f"strict accuracy in percent, {percent(row.accuracy, *row.ci95)} (95 % interval), {row.n_items} items,"
        f" {row.k} completion{'s' if row.k > 1 else ''} an item, checker {row.checker_version}, {row.command}"
    )
    return EvalResultEntry(
        dataset_id=match[1], task_id=row.task, value=round(100 * row.accuracy, 2), date=date, notes=notes
    )


def _results(folder: Path, entries: Sequence[Any]) -> Path:
    from huggingface_hub import eval_result_entries_to_yaml

    file = folder / ".eval_results" / "slmr.yaml"
    write_text(file, yaml.safe_dump(eval_result_entries_to_yaml(list(entries)), sort_keys=False))
    return file


# -------------------------------------------------------------------------------------------------- the card


def _card(rows: Sequence[SummaryRow], summary: Summary) -> str:
    row = rows[0]
    base = [r for r in summary.rows if r.method_kind == "base" and r.student == row.student]
    header: dict[str, Any] = {
        "library_name": "transformers",
        "pipeline_tag": "text-generation",
        "tags": ["slmr", row.method],
    }
    if row.method_kind != "model" and _HUB_MODEL.fullmatch(row.student):
        header["base_model"] = row.student
    parts = [
        f"---\n{yaml.safe_dump(header, sort_keys=False)}---\n\n# {_text(model_name(row))}",
        _method(row),
        *_accuracies(rows, base),
        _budget(row),
        _contamination(summary.contamination),
        f"## Reproduce\n\n```bash\n{_command(row.command)}\n```\n\nThen `slmr compare` pairs it with another run"
        " item by item, and `slmr verify-run` does a random tenth of the evaluation again.",
    ]
    return "\n\n".join(parts) + "\n"


def _method(row: SummaryRow) -> str:
    if row.method_kind == "model":
        return "Evaluated with slmr as it is; how it was trained, its makers know."
    return (
        f"`{_text(row.student)}` after the method `{_text(row.method)}` of slmr, with seed {row.seed}. One training is"
        " one draw: another seed gives another model, and the intervals below do not cover that."
    )


def _accuracies(rows: Sequence[SummaryRow], base: Sequence[SummaryRow]) -> Iterator[str]:
    """A table for each edition, with the untrained student's rows on the same tasks beside it."""
    before = {row.task: row for row in base}
    for edition in dict.fromkeys(row.edition for row in rows):
        lines = [
            "| task | accuracy, % (95 %) | untrained, % (95 %) | in any form, % | items × k | checker |",
            "|---|---:|---:|---:|---:|---|",
        ]
        for row in rows:
            if row.edition == edition:
                other = before.get(row.task)
                untrained = percent(other.accuracy, *other.ci95) if other else "-"
                lines.append(
                    f"| {_text(row.task)} | {percent(row.accuracy, *row.ci95)} | {untrained} |"
                    f" {percent(row.accuracy_lenient)} | {row.n_items} × {row.k} | {row.checker_version} |"
                )
        about = (
            "\n\nThe lab edition is a made-up world of problems: its numbers compare methods within slmr, and say"
            " nothing about this model to anybody else."
            if edition == "lab"
            else ""
        )
        table = "\n".join(lines)
        yield (
            f"## Results, {edition} edition\n\n{table}\n\nAccuracy is strict: right, in the form that was asked for."
            f" Intervals are over items.{about}"
        )


def _budget(row: SummaryRow) -> str:
    return (
        f"## Budget\n\n{row.train_tokens:,} tokens trained on, {row.rollout_tokens:,} sampled,"
        f" {row.teacher_tokens:,} of a teacher; {row.flops:.3g} FLOPs (6 N D for training, 2 N D for"
        f" sampling), {row.wall_s:,.0f} s."
        if row.tokens
        else "## Budget\n\nNot known: slmr has not trained it."
    )


def _contamination(overlaps: Sequence[Contamination]) -> str:
    if not overlaps:
        return "## Contamination\n\nNot measured."
    lines = "\n".join(
        f"| {_text(c.train)} | {_text(c.test)} | {c.overlapping} of {c.n_test} | {c.exact} |" for c in overlaps
    )
    return (
        "## Contamination\n\nOf the problems that slmr trained on; what its makers trained on is not known.\n\n"
        "| training set | test set | share a run of 13 words | the same problem |\n|---|---|---:|---:|\n" + lines
    )


def _command(text: str) -> str:
    """The command on one line, without anything that would end the code block."""
    return " ".join(readable(text).replace("```", "").split())


def _text(text: str) -> str:
    """A name from a run's file, escaped for a line or a cell of Markdown."""
    line = " ".join(readable(text).split())
    return re.sub(r"([<>|`\[\]])", lambda sign: f"&#{ord(sign[1])};", line)
