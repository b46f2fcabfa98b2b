"""Exports a run with lm-eval's own writer: `results_*.json` and `samples_*.jsonl` in a folder per model."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from slmr.config import AS_GIVEN
from slmr.errors import WorkError
from slmr.results.runs.files import SUMMARY
from slmr.results.runs.schema import SummaryRow, grouped, read_results
from slmr.verify.verdict import ABSTENTIONS

_RATES = {
    "accuracy": True,
    "accuracy_lenient": True,
    "no_answer": False,
    "abstained": False,
}  # higher is better?


def export_lm_eval(run: Path, out: Path) -> tuple[list[Path], list[str]]:
    """Writes each model of a run below `out`; returns the files of results and notices of omissions.

    Raises:
        RequestError: the folder is no run, or its completions are missing or damaged.
        WorkError: lm-eval's writer failed.
    """
    groups = grouped(read_results(run / SUMMARY).rows, lambda row: row.identity[:3])
    files, notices = [], []
    for rows in groups.values():
        samples = {row.task: row.samples(run) for row in rows}
        with_texts = {task: _samples(rows) for task, rows in samples.items() if has_texts(rows)}
        notices += [
            f"{model_name(rows[0])}, {task}: the run keeps no texts, so there are no samples of it"
            for task in samples
            if task not in with_texts
        ]
        files.append(_write(rows, with_texts, out))
    return files, notices


def model_name(row: SummaryRow) -> str:
    """The student's name, with method and seed if it was trained."""
    trained = row.method_kind not in AS_GIVEN
    return f"{row.student}/{row.method}-seed-{row.seed}" if trained else row.student


def has_texts(completions: Sequence[Mapping[str, Any]]) -> bool:
    """Whether these completions have their texts, prompts and gold answers."""
    return all(isinstance(row.get(name), str) for row in completions for name in ("completion", "prompt", "gold"))


def _write(rows: Sequence[SummaryRow], samples: Mapping[str, list[dict[str, Any]]], out: Path) -> Path:
    from lm_eval.loggers import EvaluationTracker

    out.mkdir(parents=True, exist_ok=True)  # lm-eval would say only that it could not write
    tracker = EvaluationTracker(output_path=str(out))
    tracker.general_config_tracker.log_experiment_args("slmr", f"pretrained={model_name(rows[0])}", "", "", False)
    tracker.save_results_aggregated(_results(rows, samples), dict(samples))
    for task, task_samples in samples.items():
        tracker.save_results_samples(task, task_samples)  # type: ignore[arg-type]  # a list, whatever it is declared as
    folder = out / str(tracker.general_config_tracker.model_name_sanitized)
    date = getattr(tracker, "date_id", "")
    files = [folder / f"results_{date}.json", *(folder / f"samples_{task}_{date}.jsonl" for task in samples)]
    if missing := [file for file in files if not file.is_file()]:  # lm-eval only warns
        raise WorkError(f"lm-eval did not write {missing[0]}: is there room, and may it be written?")
    return files[0]


def _results(rows: Sequence[SummaryRow], samples: Mapping[str, list[dict[str, Any]]]) -> dict[str, Any]:
    from lm_eval import __version__

    return {
        "results": {row.task: _metrics(row, samples.get(row.task)) for row in rows},
        "group_subtasks": {row.task: [] for row in rows},
        "configs": {
            row.task: {
                "task": row.task,
                "repeats": row.k,
                "metadata": {
                    "version": row.task_version,
                    "edition": row.edition,
                    "checker": row.checker_version,
                },
            }
            for row in rows
        },
        "versions": {row.task: row.task_version for row in rows},
        "n-shot": {row.task: int(_option(row, "--fewshot") or 0) for row in rows},
        "system_instruction": _option(rows[0], "--system"),
        "higher_is_better": {row.task: dict(_RATES) for row in rows},
        "n-samples": {row.task: {"original": row.n_items, "effective": row.n_items} for row in rows},
        "config": {
            "model": "slmr",
            "model_args": f"pretrained={model_name(rows[0])}",
            "batch_size": None,
            "device": None,
            "slmr_engine": rows[0].engine,
            "slmr_command": rows[0].command,
            "slmr_manifest": rows[0].manifest,
        },
        "lm_eval_version": __version__,
    }


def _metrics(row: SummaryRow, samples: Sequence[Mapping[str, Any]] | None) -> dict[str, Any]:
    """The row's metrics under lm-eval's names; errors that the summary lacks are computed from the items."""
    values = {
        "accuracy": row.accuracy,
        "accuracy_lenient": row.accuracy_lenient,
        "no_answer": row.no_answer_rate,
        "abstained": row.abstained_rate,
    }
    metrics: dict[str, Any] = {"name": row.task, "alias": row.task, "sample_len": row.n_items}
    for name, value in values.items():
        if value is not None:
            stderr = row.stderr if name == "accuracy" else _stderr([s[name] for s in samples]) if samples else "N/A"
            metrics |= {f"{name},none": value, f"{name}_stderr,none": stderr}
    return metrics


def _stderr(items: Sequence[float]) -> float | str:
    from slmr.stats import bounded_mean

    return bounded_mean(items).stderr if len(items) > 1 else "N/A"


def _option(row: SummaryRow, name: str) -> str | None:
    """The value of an option of the command that made a row; None if it has none."""
    words = shlex.split(row.command)
    return words[words.index(name) + 1] if name in words[:-1] else None


def _samples(completions: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One sample per item, with all its completions; its metrics are their means."""
    by_item = groupby(completions, lambda row: row["item_id"])
    return [_sample(number, list(group)) for number, (_, group) in enumerate(by_item)]


def _sample(number: int, group: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    from lm_eval.utils import hash_string

    first, texts = group[0], [row["completion"] for row in group]
    document = {"id": first["item_id"], "prompt": first["prompt"], "gold": first["gold"]}
    scores = {
        "accuracy": [row["strict"] for row in group],
        "accuracy_lenient": [row["lenient"] for row in group],
        "no_answer": [row["status"] == "no_answer" for row in group],
        "abstained": [row["status"] in ABSTENTIONS for row in group],
    }
    return {
        "doc_id": number,
        "doc": document,
        "target": first["gold"],
        "arguments": [(first["prompt"], {})],
        "resps": [texts],
        "filtered_resps": texts if len(texts) == 1 else [texts],
        "filter": "none",
        "metrics": list(scores),
        "doc_hash": hash_string(json.dumps(document, indent=2, ensure_ascii=False)),
        "prompt_hash": hash_string(first["prompt"]),
        "target_hash": hash_string(str(first["gold"])),
        **{name: sum(map(float, values)) / len(values) for name, values in scores.items()},
    }
