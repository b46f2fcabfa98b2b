"""Exports a run as logs of inspect_ai: a JSON file per model and task for `inspect view` and `read_eval_log`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from slmr.errors import RequestError
from slmr.io import digest, write_json
from slmr.results.export.lm_eval import has_texts, model_name
from slmr.results.runs.files import SUMMARY
from slmr.results.runs.schema import SummaryRow, read_results

_LOG_VERSION = 2
_SCORER = "slmr"


def export_inspect(run: Path, out: Path) -> tuple[list[Path], list[str]]:
    """Writes a log for each row of a run into `out`; returns the files and notices of omissions.

    Raises:
        RequestError: the folder is no run, its completions are damaged, or it keeps no texts at all.
    """
    file = run / SUMMARY
    files, notices = [], []
    rows = read_results(file).rows
    when = datetime.fromtimestamp(int(file.stat().st_mtime), UTC)
    for row in rows:
        completions = row.samples(run)
        if has_texts(completions):
            files.append(_write(row, completions, out, when))
        else:
            notices.append(f"{model_name(row)}, {row.task}: the run keeps no texts, so there is no log of it")
    if not files:
        raise RequestError(f"{run} keeps no texts of its completions, and a log of inspect consists of them")
    return files, notices


def _write(row: SummaryRow, completions: Sequence[Mapping[str, Any]], out: Path, when: datetime) -> Path:
    key = digest([row.identity, row.manifest])
    # inspect lists the files whose names begin with a time.
    file = out / f"{when:%Y-%m-%dT%H-%M-%S}+00-00_{row.task.replace('/', '-')}_{key}.json"
    created, model = when.isoformat(), f"slmr/{model_name(row)}"
    write_json(
        file,
        {
            "version": _LOG_VERSION,
            "status": "success",
            "eval": _spec(row, key, created, model),
            "plan": {"name": "slmr", "steps": []},
            "results": {
                "total_samples": row.n_items * row.k,
                "completed_samples": len(completions),
                "scores": [_score(row)],
            },
            "stats": {"started_at": created, "completed_at": created, "model_usage": {}},
            "samples": [_sample(sample, model) for sample in completions],
        },
    )
    return file


def _spec(row: SummaryRow, key: str, created: str, model: str) -> dict[str, Any]:
    """What was evaluated, on which data, how."""
    return {
        "eval_id": key,
        "run_id": row.manifest,
        "task_id": f"{row.task}-{row.task_version}",
        "created": created,
        "task": row.task,
        "task_version": row.task_version,
        "model": model,
        "config": {"epochs": row.k},
        "dataset": {"name": row.task, "location": row.data, "samples": row.n_items, "shuffled": False},
        "packages": {"slmr": version("slmr")},
        "metadata": {
            "edition": row.edition,
            "checker": row.checker_version,
            "engine": row.engine,
            "method": row.method,
            "seed": row.seed,
            "manifest": row.manifest,
            "command": row.command,
        },
    }


def _score(row: SummaryRow) -> dict[str, Any]:
    """The row's rates as metrics."""
    values = {
        "accuracy": row.accuracy,
        "stderr": row.stderr,
        "ci95_low": row.ci95[0],
        "ci95_high": row.ci95[1],
        "accuracy_lenient": row.accuracy_lenient,
        "no_answer_rate": row.no_answer_rate,
        "truncated_rate": row.truncated_rate,
    }
    metrics = {name: {"name": name, "value": value} for name, value in values.items()}
    return {"name": _SCORER, "scorer": _SCORER, "metrics": metrics}


def _sample(sample: Mapping[str, Any], model: str) -> dict[str, Any]:
    """A completion as a sample; inspect calls its index among the item's completions the epoch."""
    question = {"role": "user", "content": sample["prompt"]}
    answer = {"role": "assistant", "content": sample["completion"], "source": "generate"}
    stop = "max_tokens" if sample["finish_reason"] == "length" else "stop"
    return {
        "id": sample["item_id"],
        "epoch": int(sample["k_index"]) + 1,
        "input": sample["prompt"],
        "target": str(sample["gold"]),
        "messages": [question, answer],
        "output": {"model": model, "choices": [{"message": answer, "stop_reason": stop}]},
        "scores": {
            _SCORER: {
                "value": "C" if sample["strict"] else "I",
                "answer": sample.get("extracted"),
                "explanation": sample.get("reason"),
                "metadata": {"status": sample["status"], "lenient": bool(sample["lenient"])},
            }
        },
        "metadata": {"tokens": sample["tokens"]},
    }
