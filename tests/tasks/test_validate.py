"""Every gold passes its own checker, and what does not is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from slmr.tasks import load_task, select_tasks
from slmr.tasks.validate import validate_task
from tests.tasks.own import own_task


@pytest.mark.parametrize("task", select_tasks("lab"), ids=lambda task: task.name)
def test_the_golds_of_the_lab_pass(task) -> None:
    assert validate_task(task, 50) == (150, [])


def test_the_same_problem_with_two_golds_does_not_pass(tmp_path: Path) -> None:
    own_task(tmp_path)
    (tmp_path / "mine/data.py").write_text(
        "from datasets import Dataset\n\n\ndef load(**_):\n"
        "    rows = [{'problem': '1 + 1?', 'gold': g} for g in ('2', '2', '3', 'two')]\n"
        "    return {'test': Dataset.from_list(rows)}\n"
    )
    tried, faults = validate_task(load_task("mine", [tmp_path]))
    assert tried == 4 and [line.split(":")[0] for line in faults] == ["mine/2", "mine/3"]
    assert "the gold answer is 3, but 2 for the same problem in mine/0" in faults[0]


def test_a_prompt_that_cannot_be_written_is_a_fault(tmp_path: Path) -> None:
    own_task(tmp_path)
    file = tmp_path / "mine/task.yaml"
    file.write_text(file.read_text().replace("{{problem}}", "{{problem}} {{''.__class__.__mro__}}"))
    _, faults = validate_task(load_task("mine", [tmp_path]))
    assert len(faults) == 3 and "cannot render" in faults[0] and "unsafe" in faults[0]
