"""The few-shot examples of each question: the task's own, or other questions of a task that has nothing else."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from random import Random

from slmr.errors import RequestError
from slmr.tasks.task import Item, Task, strict_form

Examples = tuple[tuple[str, str], ...]  # (question as prompted, answer) turns


def examples_by_item(task: Task, n: int, seed: int) -> Callable[[Item], Examples]:
    """A function that returns the `n` examples of an item.

    All items of a task with few-shot examples of its own have its first `n`. A task that has only a test split, such as
    a file of questions, gives the same `n` questions to all, drawn by the seed, with the answer in the strict form; an
    item that is one of them has the next one in its place, so its own answer is never shown.

    Raises:
        RequestError: there are too few examples; the message says what to do.
    """
    if not n or not task.has_only_test:
        own = tuple(task.fewshot(n))
        return lambda item: own
    items = list({item.problem: item for item in task.items("test")}.values())
    if n >= len(items):
        raise RequestError(
            f"task '{task.name}' has {len(items)} different questions, so --fewshot can be {len(items) - 1} at most:"
            " the examples of a question are other questions of the task"
        )
    chosen = Random(f"{task.name} {seed}").sample(items, n + 1)  # one to spare

    def examples(item: Item) -> Examples:
        others = (other for other in chosen if other.problem != item.problem)
        return tuple((task.prompt(o.problem), strict_form(o.gold, task.kind)) for o in islice(others, n))

    return examples
