"""Prompts that are longer than a student's context are refused before any work, by task and item."""

from __future__ import annotations

from pathlib import Path

import pytest

from slmr.errors import RequestError
from slmr.pipeline.evaluation import EvalRequest, plan_evaluation
from slmr.pipeline.prompts import check_prompts
from tests.tasks.own import own_task

DATA = """
from datasets import Dataset


def load(**_):
    rows = [{{'id': f'q{{i}}', 'problem': 'x + 1? ' * n, 'gold': '2'}} for i, n in enumerate({lengths})]
    return {{'test': Dataset.from_list(rows)}}
"""


def checked(folder: Path, lengths: list[int]) -> None:
    own_task(folder, "mine")
    (folder / "mine" / "data.py").write_text(DATA.format(lengths=lengths))
    plan = plan_evaluation(EvalRequest("lab-llama", tasks="mine", tasks_paths=(folder,)))
    check_prompts(plan.nodes, plan.profile.engine, (folder,))


def test_a_prompt_without_room_for_an_answer_is_refused_by_task_and_item(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"task 'mine', item q1: its prompt has [\d,]+ tokens") as caught:
        checked(tmp_path, [1, 2000, 3])
    assert "512" in str(caught.value)


def test_those_that_fit_are_not(tmp_path: Path) -> None:
    checked(tmp_path, [1, 60])


def test_a_pools_problems_are_looked_at_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from slmr.pipeline import prompts
    from slmr.pipeline.plan import BenchRequest, make_plan

    plan = make_plan(BenchRequest(methods="sft", profile="lab-quick", limit=16))
    monkeypatch.setattr(prompts, "context_length", lambda config: 40)
    pool = [node for node in plan.nodes if node.kind != "evaluate"]
    with pytest.raises(RequestError, match="task 'lab_gsm8k', item lab_gsm8k/train/"):
        check_prompts(pool, plan.profile.engine, ())
