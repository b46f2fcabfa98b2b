"""The functions that `task.yaml` files name: data and scores for lm-eval."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, cast

from slmr import lab
from slmr.tasks import datasets
from slmr.verify import Kind, verify


def lab_dataset(task: str, **_: object) -> datasets.Splits:
    """The test and validation splits of a lab task, and its worked examples, in lm-eval's format."""
    return datasets.Splits(("test", "validation", datasets.FEWSHOT), partial(_lab_split, task))


def _lab_split(task: str, split: str) -> Any:
    if split == datasets.FEWSHOT:
        pool = lab.split_items(task, "train", datasets.FEWSHOT_POOL)
        return [{"id": i.id, "problem": i.problem, "gold": i.gold, "worked": i.worked()} for i in pool]
    from datasets import Dataset

    columns = ("id", "problem", "gold", "difficulty")
    items = lab.split_items(task, cast(lab.Split, split))
    return Dataset.from_list([{c: getattr(item, c) for c in columns} for item in items])


def score_numeric(doc: Mapping[str, Any], results: Sequence[str | Sequence[str]]) -> dict[str, float]:
    """lm-eval's metrics for one document whose answer is a number; see `_score`."""
    return _score(doc, results, "numeric")


def score_math(doc: Mapping[str, Any], results: Sequence[str | Sequence[str]]) -> dict[str, float]:
    """As `score_numeric`, for an answer that is a formula."""
    return _score(doc, results, "math")


def score_choice(doc: Mapping[str, Any], results: Sequence[str | Sequence[str]]) -> dict[str, float]:
    """As `score_numeric`, for an answer that is a letter."""
    return _score(doc, results, "choice")


def _score(doc: Mapping[str, Any], results: Sequence[str | Sequence[str]], kind: Kind) -> dict[str, float]:
    """Metrics of one document: means over its completions (one, or k if lm-eval repeats)."""
    completions: Iterable[str] = [results[0]] if isinstance(results[0], str) else results[0]
    gold = str(doc["gold"])
    verdicts = [verify(completion, gold, kind) for completion in completions]
    mean = 1 / len(verdicts)
    return {
        "accuracy": mean * sum(v.strict for v in verdicts),
        "accuracy_lenient": mean * sum(v.lenient for v in verdicts),
        "no_answer": mean * sum(v.status == "no_answer" for v in verdicts),
        "abstained": mean * sum(v.abstained for v in verdicts),
    }
