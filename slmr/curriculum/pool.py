"""The training pool, and the problems that are held out of it for validation during training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from slmr.config import MAX_POOL, Params
from slmr.curriculum.schema import PROBLEMS, VALIDATION, Problem, counted
from slmr.errors import RequestError
from slmr.lab.items import LEVELS, Split
from slmr.stage import StageContext, stage
from slmr.tasks import Item, Task
from slmr.tasks.registry import load_task


class PoolParams(Params):
    """The training pool: the first `size` problems of a task's train split; of a lab task's that of the run's seed.

    Attributes:
        validation: how many problems are held out for validation during training (ours).
        levels: of difficulty; the pool, and what is held out, has problems of these alone; none is of all (ours).
    """

    LATER: ClassVar[frozenset[str]] = frozenset({"levels"})

    task: str
    size: int = Field(ge=1, le=MAX_POOL)
    validation: int = Field(default=0, ge=0, le=MAX_POOL)
    levels: tuple[int, ...] = ()
    task_digest: str = ""


@stage("pool", PoolParams, {}, random=True, version=3)
def pool_stage(context: StageContext, params: PoolParams) -> None:
    """Writes the problems with their prompts and gold answers, and those held out, where some are asked for.

    Raises:
        RequestError: the task has no train split, no problem of the levels, or not so many problems to hold out.
    """
    task = load_task(params.task, context.tasks_paths)
    pool = pool_items(task, params, context.seed)
    rows = _rows(task, pool)
    PROBLEMS.write(context.folder, rows)
    context.stats |= {"problems": len(rows), "difficulty": counted(row["difficulty"] for row in rows)}
    if params.validation:
        held = held_out(task, pool, params.validation, context.seed, params.levels)
        VALIDATION.write(context.folder, _rows(task, held))
        context.stats["validation"] = len(held)


def pool_items(task: Task, params: PoolParams, seed: int) -> list[Item]:
    """The problems of the pool.

    Raises:
        RequestError: the task has no train split, or no problem of the levels.
    """
    if not params.levels:
        return task.items("train", params.size, seed)
    return _of_levels(task, "train", params.size, params.levels, seed)


def _of_levels(task: Task, split: Split, n: int, levels: Sequence[int], seed: int) -> list[Item]:
    """The first `n` of these levels; fewer where the split has no more."""
    if task.lab_generator and not set(levels) <= set(LEVELS):  # whose splits have no end
        raise RequestError(f"pool: levels = {list(levels)}: a lab task has the levels {list(LEVELS)}")
    asked = n
    while True:
        items = task.items(split, asked, seed)
        chosen = [item for item in items if item.difficulty in levels]
        if len(chosen) >= n or len(items) < asked:
            break
        asked *= 2
    if not chosen:
        there = sorted({item.difficulty for item in items if item.difficulty is not None})
        raise RequestError(
            f"pool: task '{task.name}' has no {split} problem of the levels {list(levels)}, only of {there}"
        )
    return chosen[:n]


def held_out(task: Task, pool: Sequence[Item], n: int, seed: int, levels: Sequence[int] = ()) -> list[Item]:
    """The first `n` of the task's validation split, or the last `n` of its train split where it has none.

    A problem with the text of one in the pool is not taken.

    Raises:
        RequestError: there are not so many beside the pool.
    """
    inside = {item.problem for item in pool}
    separate = task.has_data("validation")
    if task.lab_generator:  # splits without end, which share no problem
        return _of_levels(task, "validation", n, levels or LEVELS, seed)
    items = task.items("validation" if separate else "train", None, seed)
    outside = [i for i in items if i.problem not in inside and (not levels or i.difficulty in levels)]
    if len(outside) < n:
        split = "validation" if separate else "training"
        raise RequestError(
            f"task '{task.name}' has {len(items)} {split} problems, {len(outside)} of them not in the pool of"
            f" {len(pool)}: not {n} to hold out for validation; take a smaller pool or fewer"
        )
    return outside[:n] if separate else outside[-n:]


def _rows(task: Task, items: Sequence[Item]) -> list[Problem]:
    return [
        {"id": i.id, "task": task.name, "problem": i.problem, "prompt": task.prompt(i.problem), "gold": i.gold,
         "kind": task.kind, "difficulty": i.difficulty, "solution": i.solution}
        for i in items
    ]  # fmt: skip
