"""Publishing a run: what a reader needs to check it and to make it again, copied into results/."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from slmr.errors import RequestError
from slmr.results import SummaryRow, read_summary, write_summary
from slmr.store import MANIFEST, read_json, read_rows, write_json, write_rows
from slmr.tasks import load_task

MANIFESTS = "manifests.json"
_TEXTS = ("prompt", "completion", "gold", "extracted", "reason")


def publish(run: Path, results: Path, name: str | None = None) -> Path:
    """Copies a run's summary, its evaluations' manifests and its samples; returns the published folder.

    Texts of a task whose data has no licence that allows it are left out: verdicts and counts remain.

    Raises:
        RequestError: the folder is no run, or its samples are missing.
    """
    summary = read_summary(run / "summary.json")
    target = results / (name or run.name)
    partial = results / f".{target.name}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    for row in summary.rows:
        _copy_samples(run, partial, row)
    manifests = _manifests(run, summary.rows)
    write_json(partial / MANIFESTS, manifests)
    write_summary(partial / "summary.json", summary.rows, summary.contamination)
    text = _readme(target.name, summary.rows, list(manifests.values()))
    (partial / "README.md").write_text(text, encoding="utf-8")
    shutil.rmtree(target, ignore_errors=True)
    partial.replace(target)
    return target


def _copy_samples(run: Path, target: Path, row: SummaryRow) -> None:
    source, copy = row.samples_file(run), row.samples_file(target)
    if not source.is_file():
        raise RequestError(f"{source} is missing: a result is published with its samples")
    copy.parent.mkdir(parents=True, exist_ok=True)
    if load_task(row.task).redistributable:
        shutil.copyfile(source, copy)
        return
    kept = [{k: v for k, v in sample.items() if k not in _TEXTS} for sample in read_rows(source)]
    write_rows(copy, kept)


def _manifests(run: Path, rows: Sequence[SummaryRow]) -> dict[str, dict[str, Any]]:
    """The manifest of each evaluation artefact, by its key; with what the engine did there."""
    found: dict[str, dict[str, Any]] = {}
    for key in dict.fromkeys(row.manifest for row in rows):
        folder = run / "artefacts" / f"evaluate-{key}"
        if (folder / MANIFEST).is_file():
            found[key] = {**read_json(folder / MANIFEST), "stats": read_json(folder / "stats.json")}
    return found


def _readme(name: str, rows: Sequence[SummaryRow], manifests: Sequence[dict[str, Any]]) -> str:
    """The rows as a table, where their data came from, how long it took, and the commands."""
    names = ("method", "student", "seed", "task", "items", "accuracy, %", "95 % interval", "lenient, %",
             "cut off, %", "no answer, %", "tokens")  # fmt: skip
    lines = [f"# {name}", "", f"| {' | '.join(names)} |", "|---" * len(names) + "|"]
    for r in rows:
        items = str(r.n_items) if r.k == 1 else f"{r.n_items} x {r.k}"
        lines.append(
            f"| {r.method} | {r.student} | {r.seed} | {r.task} | {items} | {100 * r.accuracy:.1f} |"
            f" {100 * r.ci95[0]:.1f} to {100 * r.ci95[1]:.1f} | {100 * r.accuracy_lenient:.1f} |"
            f" {100 * r.truncated_rate:.1f} | {100 * r.no_answer_rate:.1f} | {r.mean_tokens:.0f} |"
        )
    notes = sorted({f"- {r.task}: {r.data}" for r in rows if r.data})
    lines += ["", "Data:", "", *notes] if notes else []
    lines += (
        ["", "Speed:", "", *speeds]
        if (speeds := [_speed(m) for m in manifests if m["stats"].get("engine")])
        else []
    )
    lines += ["", "Made by:", "", "```", *dict.fromkeys(r.command for r in rows), "```", ""]
    return "\n".join(lines)


def _speed(manifest: dict[str, Any]) -> str:
    done, wall = manifest["stats"]["engine"], manifest["cost"]["wall_s"]
    return (
        f"- {done['tokens']:,} tokens in {done['seconds']:.0f} s, {done['tokens_per_s']:,.0f} a second, on"
        f" {manifest['device']} with {manifest['threads']} threads; the whole evaluation {wall:.0f} s"
    )
