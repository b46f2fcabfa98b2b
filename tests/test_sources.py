"""The name by which task files call their data stays."""

from __future__ import annotations

from slmr import sources
from slmr.tasks import datasets, select_tasks


def test_the_paper_tasks_name_the_function_that_is_there() -> None:
    assert sources.dataset is datasets.dataset
    assert {task.settings.custom_dataset for task in select_tasks("paper")} == {"slmr.sources.dataset"}
