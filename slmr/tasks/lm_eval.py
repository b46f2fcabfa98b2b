"""What `task.yaml` names: data and scores for lm-eval."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, cast

from slmr.tasks import datasets
from slmr.tasks.task import TEST_SEED, Split, lab_items
from slmr.verify import Kind, Verdict, verify


def lab_dataset(task: str, **_: object) -> datasets.Splits:
    """The test and validation splits of a lab task, and worked examples, as lm-eval wants its data."""
    return datasets.Splits(("test", "validation", datasets.FEWSHOT), partial(_lab_split, task))


def _lab_split(task: str, split: str) -> Any:
    from slmr import lab

    if split == datasets.FEWSHOT:
        drawn = lab.take(lab.generator(task), "train", datasets.FEWSHOT_POOL, TEST_SEED)
        return [{"id": i.id, "problem": i.problem, "gold": i.gold, "worked": i.worked()} for i in drawn]
    from datasets import Dataset

    rows = lab_items(task, cast(Split, split), None, TEST_SEED)
    columns = ("id", "problem", "gold", "difficulty")
    return Dataset.from_list([{c: getattr(row, c) for c in columns} for row in rows])


def score_numeric(doc: Mapping[str, Any], results: Sequence[str | Sequence[str]]) -> dict[str, float]:
    return _score(doc, results, "numeric")


def score_math(doc: Mapping[str, Any], results: Sequence[str | Sequence[str]]) -> dict[str, float]:
    return _score(doc, results, "math")


def score_choice(doc: Mapping[str, Any], results: Sequence[str | Sequence[str]]) -> dict[str, float]:
    return _score(doc, results, "choice")


_KNOWN: dict[tuple[str, str, Kind], Verdict] = {}


@contextmanager
def known_verdicts(found: Mapping[tuple[str, str, Kind], Verdict]) -> Iterator[None]:
    """While this is open, lm-eval scores these (completion, gold, kind) by these verdicts: none is decided twice."""
    _KNOWN.update(found)
    try:
        yield
    finally:
        _KNOWN.clear()


def _score(doc: Mapping[str, Any], results: Sequence[str | Sequence[str]], kind: Kind) -> dict[str, float]:
    """Metrics of one document: means over its completions (one, or k where lm-eval repeats)."""
    completions: Iterable[str] = [results[0]] if isinstance(results[0], str) else results[0]
    gold = str(doc["gold"])
    verdicts = [_KNOWN.get((c, gold, kind)) or verify(c, gold, kind) for c in completions]
    mean = 1 / len(verdicts)
    return {
        "accuracy": mean * sum(v.strict for v in verdicts),
        "accuracy_lenient": mean * sum(v.lenient for v in verdicts),
        "no_answer": mean * sum(v.status == "no_answer" for v in verdicts),
        "abstained": mean * sum(v.abstained for v in verdicts),
    }
