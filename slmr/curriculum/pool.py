"""The training pool, and the problems that are held out of it for validation during training."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from slmr.config import MAX_POOL, Params
from slmr.curriculum.schema import PROBLEMS, VALIDATION, Problem, counted
from slmr.errors import RequestError
from slmr.stage import StageContext, stage
from slmr.tasks import Item, Task
from slmr.tasks.registry import load_task


class PoolParams(Params):
    """The training pool: the first `size` problems of a task's train split; of a lab task's that of the run's seed.

    `validation`: how many problems are held out for validation during training (ours).
    """

    task: str
    size: int = Field(ge=1, le=MAX_POOL)
    validation: int = Field(default=0, ge=0, le=MAX_POOL)
    task_digest: str = ""


@stage("pool", PoolParams, {}, random=True, version=3)
def pool_stage(context: StageContext, params: PoolParams) -> None:
    """Writes the problems with their prompts and gold answers, and those held out, where some are asked for.

    Raises:
        RequestError: the task has no train split, or not so many problems to hold out.
    """
    task = load_task(params.task, context.tasks_paths)
    pool = task.items("train", params.size, context.seed)
    rows = _rows(task, pool)
    PROBLEMS.write(context.folder, rows)
    context.stats |= {"problems": len(rows), "difficulty": counted(row["difficulty"] for row in rows)}
    if params.validation:
        held = held_out(task, pool, params.validation, context.seed)
        VALIDATION.write(context.folder, _rows(task, held))
        context.stats["validation"] = len(held)


def held_out(task: Task, pool: Sequence[Item], n: int, seed: int) -> list[Item]:
    """The first `n` of the task's validation split, or the last `n` of its train split where it has none.

    A problem with the text of one in the pool is not taken.

    Raises:
        RequestError: there are not so many beside the pool.
    """
    inside = {item.problem for item in pool}
    separate = task.has_data("validation")
    if task.lab_generator:  # splits without end, which share no problem
        return task.items("validation", n, seed)
    items = task.items("validation" if separate else "train", None, seed)
    outside = [item for item in items if item.problem not in inside]
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
