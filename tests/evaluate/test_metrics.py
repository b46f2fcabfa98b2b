"""A summary's numbers from a few completions, worked out by hand."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slmr import lab
from slmr.errors import WorkError
from slmr.evaluate.metrics import (
    Judge,
    TaskMetrics,
    answer_key,
    by_item,
    judged,
    read_metrics,
    task_metrics,
    write_metrics,
)
from slmr.io import read_json, write_json
from slmr.results.runs.schema import SummaryRow
from slmr.tasks.registry import load_task
from slmr.verify import Verdict, verify


def row(item: str, text: str, gold: str = "7", k: int = 0, **more: Any) -> dict[str, Any]:
    verdict = verify(text, gold, "numeric")
    return {
        "task": "lab_gsm8k",
        "item_id": item,
        "k_index": k,
        "prompt": "?",
        "completion": text,
        "gold": gold,
        "tokens": 10,
        "finish_reason": "stop",
        "status": verdict.status,
        "strict": verdict.strict,
        "lenient": verdict.lenient,
        "extracted": verdict.extracted,
        **more,
    }


def test_one_completion_an_item() -> None:
    rows = [
        row("a", "#### 7"),
        row("b", "The answer is 7", tokens=20),
        row("c", "#### 8", finish_reason="length"),
        row("d", "#### 7", gold="seven"),
    ]
    metrics = task_metrics(rows, load_task("lab_gsm8k"))
    assert (metrics.n_items, metrics.k, metrics.accuracy, metrics.accuracy_lenient) == (4, 1, 0.25, 0.5)
    assert metrics.format_loss == 0.25 and metrics.mean_tokens == 12.5
    assert (metrics.truncated_rate, metrics.no_answer_rate, metrics.abstained_rate) == (0.25, 0, 0.25)
    assert metrics.statuses == {"correct": 2, "malformed_gold": 1, "wrong": 1}
    assert metrics.ci95[0] <= metrics.accuracy <= metrics.ci95[1] and metrics.pass_at is None


def test_several_completions_an_item() -> None:
    """Right of four: item a 2, item b 0. pass@1 is 1/4, pass@2 is (1 - C(2,2)/C(4,2)) / 2 = 5/12, pass@4 is 1/2."""
    texts = {"a": ["#### 7", "#### 8", "#### 7", "#### 9"], "b": ["#### 1", "#### 2", "#### 2", "none"]}
    metrics = task_metrics([row(i, t, k=k) for i in texts for k, t in enumerate(texts[i])], load_task("lab_gsm8k"))
    assert (metrics.n_items, metrics.k, metrics.accuracy) == (2, 4, 0.25)
    assert metrics.pass_at is not None and metrics.maj_at_k is not None
    assert {j: e[0] for j, e in metrics.pass_at.items()} == pytest.approx({"1": 0.25, "2": 5 / 12, "4": 0.5})
    assert metrics.maj_at_k[0] == 0.5  # a votes for 7, which is right; b for 2


def test_metrics_are_read_as_they_were_written(tmp_path: Path) -> None:
    """One completion an item has no pass@k, and none is written."""
    metrics = {"lab_gsm8k": task_metrics([row("a", "#### 7")], load_task("lab_gsm8k"))}
    file = tmp_path / "metrics.json"
    write_metrics(file, metrics)
    assert read_metrics(file) == metrics
    assert "pass_at" not in read_json(file)["lab_gsm8k"]


def test_an_unknown_metric_is_refused(tmp_path: Path) -> None:
    """Dropped, a misspelt one would be missing from published results without a word."""
    file = tmp_path / "metrics.json"
    write_metrics(file, {"lab_gsm8k": task_metrics([row("a", "#### 7")], load_task("lab_gsm8k"))})
    write_json(file, {"lab_gsm8k": read_json(file)["lab_gsm8k"] | {"license": "MIT"}})
    with pytest.raises(WorkError, match="license"):
        read_metrics(file)


def test_a_summary_row_takes_every_metric_but_two() -> None:
    taken = task_metrics([row("a", "#### 7")], load_task("lab_gsm8k")).summary_fields()
    assert set(TaskMetrics.model_fields) - set(taken) == {"format_loss", "statuses"}
    assert set(taken) <= set(SummaryRow.model_fields)


@pytest.mark.parametrize(
    ("texts", "same"),
    [(("#### 7", "The answer is 7"), True), (("#### 8.0", "#### 8"), True), (("#### 8", "#### 9"), False)],
)
def test_equal_answers_vote_together(texts: tuple[str, str], same: bool) -> None:
    first, second = (answer_key(row("a", text), "numeric") for text in texts)
    assert (first == second) == same and first is not None
    assert answer_key(row("a", "no number"), "numeric") is None


@given(st.lists(st.lists(st.booleans(), min_size=3, max_size=3), min_size=1, max_size=6))
def test_a_column_by_item(right: list[list[bool]]) -> None:
    rows = [{"item_id": i, "strict": value} for i, values in enumerate(right) for value in values]
    assert by_item(rows, "strict").tolist() == [[float(v) for v in values] for values in right]


def test_old_verdicts_are_replaced() -> None:
    rows = [row("a", "#### 7", status="wrong", strict=False), row("b", "#### 8")]
    decided = judged(rows, {"lab_gsm8k": load_task("lab_gsm8k")})
    assert [(r["status"], r["strict"]) for r in decided] == [("correct", True), ("wrong", False)]
    assert [r["item_id"] for r in decided] == ["a", "b"]


def test_a_judge_decides_each_answer_once_while_others_come(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was added is decided in its thread; the rest, and what ran out of time there, at the end."""
    tasks, asked = {"lab_gsm8k": load_task("lab_gsm8k")}, []

    def slow_at_first(completion: str, gold: str, kind: Any) -> Verdict:
        asked.append(completion)
        late = completion == "#### 9"
        return Verdict("timeout", False, False, None, "", 0.0) if late else verify(completion, gold, kind)

    monkeypatch.setattr("slmr.evaluate.metrics.verify", slow_at_first)
    rows = [row(str(i), text, gold="9") for i, text in enumerate(["#### 7", "#### 9", "#### 7", "#### 8"])]
    with closing(Judge(tasks)) as judge:
        for landed in rows[:3]:
            judge.add(landed)
        found = judge.judged(rows)
    assert asked == ["#### 7", "#### 9"]
    assert found == judged(rows, tasks) and [r["strict"] for r in found] == [False, True, False, False]


def test_sound_is_right_with_the_steps_of_the_solver() -> None:
    """Of two items: worked, and its bare answer; another item's steps before the right answer, and a false equation."""
    task = load_task("lab_gsm8k")
    first, second = lab.take(lab.generator("lab_gsm8k"), "test", 2)

    def of(item: lab.LabItem, text: str) -> dict[str, Any]:
        return row(item.id, text, item.gold, prompt=task.prompt(item.problem))

    rows = [
        of(first, first.worked()),
        of(first, f"#### {first.gold}"),
        of(second, " ".join([*first.solution.plain_steps(), f"#### {second.gold}"])),
        of(second, f"1 + 1 = 3. #### {second.gold}"),
    ]
    decided = judged(rows, {"lab_gsm8k": task})
    assert [r["strict"] for r in decided] == [True] * 4
    assert [r["sound"] for r in decided] == [True, False, False, False]
    assert task_metrics(decided, task).sound == 0.25


def test_nothing_is_sound_or_unsound_without_a_solver() -> None:
    """Another version of the lab has other problems under the same ids; other editions have no solver."""
    item = lab.take(lab.generator("lab_gsm8k"), "test", 1)[0]
    old = row(item.id, item.worked(), item.gold, prompt="What was asked before?")
    paper = {**row("gsm8k/1", "#### 7"), "task": "gsm8k_platinum"}
    for rows, name in (([old], "lab_gsm8k"), ([paper], "gsm8k_platinum")):
        task = load_task(name)
        decided = judged(rows, {name: task})
        assert decided[0]["sound"] is None and task_metrics(decided, task).sound is None
