"""Compares the verdicts of slmr and of stock lm-evaluation-harness on the same evaluation, item by item.

    lm_eval --model hf --model_args pretrained=MODEL,dtype=float32 --include_path tasks --tasks TASKS --limit 100 \\
        --apply_chat_template --log_samples --output_path STOCK
    slmr eval MODEL --tasks TASKS --limit 100
    python -m studies.against_lm_eval RUN STOCK/*/samples_*.jsonl
    python -m studies.against_lm_eval RUN --gsm8k gsm8k/test.jsonl

The third command compares completions and verdicts; if an item is in several files, the last one counts. With
`--gsm8k`, lm-eval's own gsm8k task (its filters and its metric) grades the run's completions, with our prompt and that
file's items, and each difference between its flexible-extract and our lenient verdict is listed. Prints Markdown.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from slmr.io import read_rows
from slmr.results.runs.schema import read_summary
from slmr.tasks.registry import load_task
from slmr.verify import Verdict


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("samples", type=Path, nargs="*", help="lm-eval's samples_TASK_TIME.jsonl")
    parser.add_argument("--gsm8k", type=Path, help="GSM8K's test.jsonl, which the run was evaluated on")
    args = parser.parse_args()
    ours = {row.task: read_rows(row.samples_file(args.run)) for row in read_summary(args.run / "summary.json").rows}
    if args.samples:
        print("\n".join(item_by_item(ours, stock_samples(args.samples))))
    if args.gsm8k:
        print("\n".join(by_their_own_task(ours["gsm8k_platinum"], args.gsm8k)))


def stock_samples(files: Sequence[Path]) -> dict[str, dict[int, dict[str, Any]]]:
    """Task → number of the document → lm-eval's sample."""
    samples: dict[str, dict[int, dict[str, Any]]] = {}
    for file in files:
        task = file.name.removeprefix("samples_").rsplit("_", 1)[0]
        for line in file.read_text(encoding="utf-8").splitlines():
            sample = json.loads(line)
            samples.setdefault(task, {})[sample["doc_id"]] = sample
    return samples


def item_by_item(
    ours: Mapping[str, Sequence[dict[str, Any]]], theirs: Mapping[str, Mapping[int, dict[str, Any]]]
) -> Iterator[str]:
    """One line per task, and one for each item whose completion differs."""
    yield "| task | items | same strict and lenient verdict | same completion |\n|---|---:|---:|---:|"
    differing = []
    for task_name, rows in ours.items():
        task, verdicts, texts = load_task(task_name), 0, 0
        for number, row in enumerate(rows):
            sample = theirs[task_name][number]
            text = sample["filtered_resps"][0]
            assert sample["doc"]["problem"] in row["prompt"], f"{task_name}: not the same items"
            same = (sample["accuracy"], sample["accuracy_lenient"]) == (row["strict"], row["lenient"])
            verdicts, texts = verdicts + same, texts + (text == row["completion"])
            if text != row["completion"]:
                differing.append(difference(row, text, task.verify(text, row["gold"]), same))
        yield f"| {task_name} | {len(rows)} | {verdicts} | {texts} |"
    yield from ["", f"Completions that differ: {len(differing)}.", "", *differing]


def difference(row: Mapping[str, Any], text: str, verdict: Verdict, same: bool) -> str:
    at = next((i for i, (a, b) in enumerate(zip(row["completion"], text, strict=False)) if a != b), None)
    where = "one is the other's beginning" if at is None else f"from character {at} on"
    judged = "same verdict" if same else f"verdict {row['status']} here, {verdict.status} there"
    return f"- {row['item_id']}: {where} of {len(row['completion'])}; {judged}"


def by_their_own_task(rows: Sequence[dict[str, Any]], data: Path) -> Iterator[str]:
    """The results of lm-eval's gsm8k task on the same completions, and the differences."""
    graded = graded_by_gsm8k(rows, data)
    lenient = sum(row["lenient"] for row in rows)
    flexible = sum(theirs["flexible-extract"][1] for theirs in graded)
    anywhere, strict = sum(theirs["strict-match"][1] for theirs in graded), sum(row["strict"] for row in rows)
    yield f"\nlm-eval's gsm8k task on the same {len(rows)} completions:"
    yield f"flexible-extract {flexible:.0f} right, our lenient {lenient};"
    yield f"strict-match (anywhere) {anywhere:.0f} right, our strict (at the end) {strict}.\n"
    for row, theirs in zip(rows, graded, strict=True):
        extracted, right = theirs["flexible-extract"]
        if bool(right) != row["lenient"]:
            yield (
                f"- {row['item_id']}, gold {row['gold']}: flexible-extract took {extracted!r}, ours"
                f" {row['extracted']!r} ({row['status']}: {row['reason']}); it ends {row['completion'][-80:]!r}"
            )


def graded_by_gsm8k(rows: Sequence[dict[str, Any]], data: Path) -> list[dict[str, tuple[str, float]]]:
    """For each item: filter → (extracted answer, exact match)."""
    import lm_eval.tasks
    from lm_eval.api.model import LM
    from lm_eval.evaluator import evaluate

    own = Path(lm_eval.tasks.__file__).parent / "gsm8k" / "gsm8k.yaml"
    prompt = load_task("gsm8k_platinum").template.replace("{{problem}}", "{{question.strip()}}")

    class Kept(LM):
        def generate_until(self, requests: Any, disable_tqdm: bool = False) -> list[str]:
            for request, row in zip(requests, rows, strict=True):
                assert request.args[0] == row["prompt"], (request.args[0], row["prompt"])
            return [row["completion"] for row in rows]

        def loglikelihood(self, requests: Any, disable_tqdm: bool = False) -> Any: ...
        def loglikelihood_rolling(self, requests: Any, disable_tqdm: bool = False) -> Any: ...

    with tempfile.TemporaryDirectory() as folder:
        changes = {
            "include": str(own),
            "task": "gsm8k_as_prompted",
            "dataset_path": "json",
            "dataset_name": None,
            "dataset_kwargs": {"data_files": {"test": str(data.resolve())}},
            "doc_to_text": prompt,
            "fewshot_split": None,
            "training_split": None,
            "num_fewshot": 0,
        }
        Path(folder, "gsm8k_as_prompted.yaml").write_text(json.dumps(changes))
        manager = lm_eval.tasks.TaskManager(include_path=folder, include_defaults=False)
        loaded = manager.load(["gsm8k_as_prompted"])
        results: Any = evaluate(Kept(), loaded, limit=len(rows), bootstrap_iters=0, log_samples=True)
    graded: list[dict[str, tuple[str, float]]] = [{} for _ in rows]
    for sample in results["samples"]["gsm8k_as_prompted"]:
        graded[sample["doc_id"]][sample["filter"]] = (sample["filtered_resps"][0], sample["exact_match"])
    return graded


if __name__ == "__main__":
    main()
