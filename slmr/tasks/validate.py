"""Checks, without a model, that every prompt can be rendered and that every gold answer passes its own checker."""

from __future__ import annotations

import re

from slmr.errors import RequestError
from slmr.tasks.task import Item, Task, strict_form

_FORMS = {
    "numeric": "one number, such as 42 or 3.5",
    "math": "LaTeX of one value, such as \\frac{1}{2}",
    "choice": "one letter, such as B",
}


def validate_task(task: Task, n: int = 500) -> tuple[int, list[str]]:
    """Checks the gold answers of all existing splits; returns their number, and a line for each fault with a remedy.

    A fault is a gold answer that fails its own checker, a problem with two different gold answers in a split, or a
    prompt that cannot be rendered.
    """
    count, faults = 0, list[str]()
    for split in ("test", "validation", "train"):
        if split != "test" and not task.has_data(split):
            continue
        first: dict[str, Item] = {}
        for item in task.items(split, n if task.lab_generator else None):
            count += 1
            if fault := _fault(task, item, first.setdefault(item.problem, item)):
                faults.append(f"{item.id}: {fault}")
    return count, faults


def _fault(task: Task, item: Item, first: Item) -> str | None:
    """What is wrong with an item; `first` is the first item with its problem."""
    try:
        task.prompt(item.problem)
    except RequestError as error:
        return str(error)
    verdict = task.verify(strict_form(item.gold, task.kind), item.gold)
    if not verdict.strict:
        return f"gold {item.gold!r}: {verdict.reason}: {_advice(item.gold, task)}"
    if first.gold != item.gold:
        return f"the gold answer is {item.gold}, but {first.gold} for the same problem in {first.id}"
    return None


def _advice(gold: str, task: Task) -> str:
    numbers = re.findall(r"-?\d+(?:\.\d+)?", gold)
    if task.kind == "numeric" and len(numbers) == 1:
        return f"write {numbers[0]}"
    return f"a {task.kind} gold is {_FORMS[task.kind]}"
