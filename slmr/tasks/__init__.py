"""The benchmark tasks. `task.yaml` names `lab_dataset` and the `score_*` functions by this package."""

from slmr.lab import N_TEST, N_VALIDATION, TEST_SEED, Split
from slmr.tasks.lm_eval import lab_dataset, score_choice, score_math, score_numeric
from slmr.tasks.registry import load_task, select_tasks, task_folders
from slmr.tasks.task import Item, Task, strict_form

__all__ = [
    "N_TEST",
    "N_VALIDATION",
    "TEST_SEED",
    "Item",
    "Split",
    "Task",
    "lab_dataset",
    "load_task",
    "score_choice",
    "score_math",
    "score_numeric",
    "select_tasks",
    "strict_form",
    "task_folders",
]
