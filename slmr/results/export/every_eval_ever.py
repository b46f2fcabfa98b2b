"""Exports a run in EvalEval's schema "Every Eval Ever" 0.3.0: a JSON file per model, and its answers as JSON lines.

What is written here is for a public collection, so results of the lab edition are left out: they say nothing about a
model to anybody who does not know the lab. Files only; nothing is sent anywhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any
from uuid import UUID

from slmr.errors import RequestError
from slmr.io import digest, sha256_of, write_json, write_text
from slmr.results.export.lm_eval import has_texts, model_name
from slmr.results.runs.files import SUMMARY
from slmr.results.runs.schema import SummaryRow, grouped, read_results

SCHEMA = "0.3.0"
_UNKNOWN = "unspecified"


def export_every_eval_ever(run: Path, out: Path) -> tuple[list[Path], list[str]]:
    """Writes each model of a run below `out`, in the collection's layout; returns the files and notices of omissions.

    Raises:
        RequestError: the folder is no run, has results of the lab edition alone, or its completions are damaged.
    """
    file = run / SUMMARY
    rows = read_results(file).rows
    groups = grouped([row for row in rows if row.edition != "lab"], lambda row: row.identity[:3])
    lab = sorted({row.task for row in rows if row.edition == "lab"})
    left_out = f"results of the lab edition are not for public boards: {', '.join(lab)}"
    if not groups:
        raise RequestError(f"{run}: {left_out}; there is nothing else in it")
    when = str(int(file.stat().st_mtime))
    files = [_write(rows, run, out, when) for rows in groups.values()]
    return files, [f"left out: {left_out}"] if lab else []


def _write(rows: Sequence[SummaryRow], run: Path, out: Path, when: str) -> Path:
    """Raises as `export_every_eval_ever`."""
    model = _model_id(rows[0])
    name = str(UUID(digest([rows[0].identity, [row.manifest for row in rows]]) * 2, version=4))
    evaluation = f"slmr/{model}/{when}"
    file = out.joinpath("data", "slmr", *model.split("/")) / f"{name}.json"
    samples = list(_samples(rows, run, evaluation, model))
    content = {
        "schema_version": SCHEMA,
        "evaluation_id": evaluation,
        "retrieved_timestamp": when,
        "source_metadata": {
            "source_name": "slmr",
            "source_type": "evaluation_run",
            "source_organization_name": _UNKNOWN,
            "evaluator_relationship": "other",
        },
        "eval_library": {"name": "slmr", "version": version("slmr")},
        "model_info": _model_info(rows[0], model),
        "evaluation_results": [result for row in rows for result in _results(row)],
    }
    if samples:
        answers = file.with_name(f"{name}_samples.jsonl")
        write_text(answers, "".join(json.dumps(sample, ensure_ascii=False) + "\n" for sample in samples))
        content["detailed_evaluation_results"] = {
            "format": "jsonl",
            "file_path": answers.relative_to(out).as_posix(),
            "hash_algorithm": "sha256",
            "checksum": sha256_of(answers),
            "total_rows": len(samples),
        }
    write_json(file, content)
    return file


def _model_id(row: SummaryRow) -> str:
    """`developer/model`; no part of it leads out of the folder."""
    *developer, name = [part for part in row.student.split("/") if part not in ("", ".", "..")][-2:] or [_UNKNOWN]
    trained = model_name(row).removeprefix(row.student).replace("/", "-")
    return f"{developer[0] if developer else 'local'}/{name}{trained}"


def _model_info(row: SummaryRow, model: str) -> dict[str, Any]:
    return {
        "name": model_name(row),
        "id": model,
        "developer": model.split("/")[0],
        **({"inference_engine": {"name": row.engine}} if row.engine else {}),
        "additional_details": {
            "deployment_type": "unknown" if row.engine == "server" else "self_deployed",
            "model_availability": "unknown",
            "method": row.method,
            "training_seed": str(row.seed),
            "training_tokens": str(row.tokens),
        },
    }


def _results(row: SummaryRow) -> Iterator[dict[str, Any]]:
    """The strict accuracy with its interval, and the lenient accuracy."""
    common = {
        "evaluation_name": row.task,
        "source_data": {
            "dataset_name": row.task,
            "source_type": "other",
            "additional_details": {
                "source": row.data or _UNKNOWN,
                "task_version": row.task_version,
                "edition": row.edition,
            },
        },
        "generation_config": {
            "generation_args": {"execution_command": row.command},
            "additional_details": {
                "completions_per_item": str(row.k),
                "engine": row.engine or _UNKNOWN,
            },
        },
    }
    for metric in ("accuracy", "accuracy_lenient"):
        details = {
            "score": getattr(row, metric),
            "details": {"checker": row.checker_version, "manifest": row.manifest},
        }
        if metric == "accuracy":
            details["uncertainty"] = _uncertainty(row)
        yield common | {
            "evaluation_result_id": f"{row.task}/{metric}",
            "metric_config": _metric_config(metric, row.k),
            "score_details": details,
        }


def _uncertainty(row: SummaryRow) -> dict[str, Any]:
    return {
        "standard_error": {"value": row.stderr, "method": "analytic, clustered by item"},
        "confidence_interval": {
            "lower": row.ci95[0],
            "upper": row.ci95[1],
            "confidence_level": 0.95,
            "method": "Wilson, by item",
        },
        "num_samples": row.n_items,
    }


def _metric_config(metric: str, k: int) -> dict[str, Any]:
    return {
        "metric_id": metric,
        "metric_name": metric,
        "metric_kind": "accuracy",
        "metric_unit": "proportion",
        "lower_is_better": False,
        "score_type": "continuous",
        "min_score": 0.0,
        "max_score": 1.0,
        "metric_parameters": {"k": k},
    }


def _samples(rows: Sequence[SummaryRow], run: Path, evaluation: str, model: str) -> Iterator[dict[str, Any]]:
    """One line per completion of the tasks whose texts the run keeps."""
    for row in rows:
        completions = row.samples(run)
        if has_texts(completions):
            yield from (_sample(row, completion, evaluation, model) for completion in completions)


def _sample(row: SummaryRow, completion: Mapping[str, Any], evaluation: str, model: str) -> dict[str, Any]:
    extracted = completion.get("extracted")
    return {
        "schema_version": SCHEMA,
        "evaluation_id": evaluation,
        "model_id": model,
        "evaluation_name": row.task,
        "evaluation_result_id": f"{row.task}/accuracy",
        "sample_id": completion["item_id"],
        "sample_hash": digest([completion["prompt"], completion["gold"]]),
        "interaction_type": "single_turn",
        "input": {"raw": completion["prompt"], "reference": [str(completion["gold"])]},
        "output": {"raw": [completion["completion"]]},
        "answer_attribution": []
        if extracted is None
        else [
            {
                "turn_idx": 0,
                "source": "output.raw",
                "extracted_value": str(extracted),
                "extraction_method": row.checker_version,
                "is_terminal": True,
            }
        ],
        "evaluation": {"score": float(completion["strict"]), "is_correct": bool(completion["strict"])},
        "metadata": {
            "k_index": str(completion["k_index"]),
            "status": str(completion["status"]),
            "finish_reason": str(completion["finish_reason"]),
            "tokens": str(completion["tokens"]),
        },
    }
