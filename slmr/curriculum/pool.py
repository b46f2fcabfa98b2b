"""The training pool, and the problems held out for validation during training."""

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
    """The training pool: the first `size` problems of a task's train split; a lab task's split depends on the seed.

    Attributes:
        validation: number of problems held out for validation during training (ours).
        levels: the difficulty levels of the pool and of the held-out problems; empty for all (ours).
    """

    LATER: ClassVar[frozenset[str]] = frozenset({"levels"})

    task: str
    size: int = Field(ge=1, le=MAX_POOL)
    validation: int = Field(default=0, ge=0, le=MAX_POOL)
    levels: tuple[int, ...] = ()
    task_digest: str = ""


@stage("pool", PoolParams, {}, random=True, version=3)
def pool_stage(context: StageContext, params: PoolParams) -> None:
    """Writes the problems with their prompts and gold answers, and the held-out problems, if any.

    Raises:
        RequestError: the task has no train split, no problem of the levels, or too few problems to hold out.
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
    """The first `n` problems of these levels; fewer if the split has no more."""
    # Lab splits are endless: without this check the loop would not stop.
    if task.lab_generator and not set(levels) <= set(LEVELS):
        raise RequestError(f"pool: levels = {list(levels)}: a lab task has the levels {list(LEVELS)}")
    limit = n
    while True:
        items = task.items(split, limit, seed)
        chosen = [item for item in items if item.difficulty in levels]
        if len(chosen) >= n or len(items) < limit:
            break
        limit *= 2
    if not chosen:
        existing = sorted({item.difficulty for item in items if item.difficulty is not None})
        raise RequestError(
            f"pool: task '{task.name}' has no {split} problem of the levels {list(levels)}, only of {existing}"
        )
    return chosen[:n]


def held_out(task: Task, pool: Sequence[Item], n: int, seed: int, levels: Sequence[int] = ()) -> list[Item]:
    """The first `n` problems of the validation split or, if there is none, the last `n` of the train split.

    Problems with the same text as one in the pool are skipped.

    Raises:
        RequestError: too few problems are outside the pool.
    """
    inside = {item.problem for item in pool}
    separate = task.has_data("validation")
    if task.lab_generator:  # lab splits are endless and share no problem
        return _of_levels(task, "validation", n, levels or LEVELS, seed)
    items = task.items("validation" if separate else "train", None, seed)
    outside = [i for i in items if i.problem not in inside and (not levels or i.difficulty in levels)]
    if len(outside) < n:
        split = "validation" if separate else "training"
        raise RequestError(
            f"task '{task.name}' has {len(items)} {split} problems, {len(outside)} of them not in the pool of"
            f" {len(pool)}: too few to hold out {n} for validation; take a smaller pool or a smaller validation set"
        )
    return outside[:n] if separate else outside[-n:]


def _rows(task: Task, items: Sequence[Item]) -> list[Problem]:
    return [
        {
            "id": i.id,
            "task": task.name,
            "problem": i.problem,
            "prompt": task.prompt(i.problem),
            "gold": i.gold,
            "kind": task.kind,
            "difficulty": i.difficulty,
            "solution": i.solution,
        }
        for i in items
    ]
