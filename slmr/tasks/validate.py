"""Proves without a model that every gold passes its own checker."""

from __future__ import annotations

from slmr.tasks.task import Item, Task, strict_form


def validate_task(task: Task, n: int = 500) -> tuple[int, list[str]]:
    """How many golds were tried (of all splits that are there), and what is wrong with which.

    A gold is wrong if it fails its own checker, or if the same problem has another one in its split.
    """
    tried, faults = 0, list[str]()
    for split in ("test", "validation", "train"):
        if split != "test" and not task.has_data(split):
            continue
        first: dict[str, Item] = {}
        for item in task.items(split, n if task.lab_generator else None):
            tried += 1
            verdict = task.verify(strict_form(item.gold, task.kind), item.gold)
            same = first.setdefault(item.problem, item)
            if not verdict.strict:
                faults.append(f"{item.id}: {verdict.reason}")
            elif same.gold != item.gold:
                faults.append(
                    f"{item.id}: the gold is {item.gold}, and {same.gold} for the same problem in {same.id}"
                )
    return tried, faults
