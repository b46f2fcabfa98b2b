"""lm-eval's own grading of completions that are there: an independent path to every accuracy."""

from __future__ import annotations

import contextlib
import io
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from slmr.errors import WorkError
from slmr.tasks import Task
from slmr.tasks.lm_eval import known_verdicts
from slmr.verify import Kind, Verdict

if TYPE_CHECKING:
    from lm_eval.api.instance import Instance


def lm_eval_accuracy(
    tasks: Sequence[Task], rows: Sequence[Mapping[str, Any]], limit: int | None, k: int
) -> dict[str, float]:
    """lm-eval's mean accuracy of each task, with the rows' completions as the model's answers.

    Raises:
        WorkError: lm-eval asks for something else than was answered.
    """
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    logging.getLogger("lm_eval").setLevel(logging.ERROR)
    from lm_eval.evaluator import evaluate as evaluate_tasks
    from lm_eval.filters import build_filter_ensemble
    from lm_eval.tasks import TaskManager

    roots: list[Any] = sorted({task.folder.parent for task in tasks})
    kinds: dict[str, Kind] = {task.name: task.kind for task in tasks}
    verdicts: dict[tuple[str, str, Kind], Verdict] = {
        (row["completion"], row["gold"], kinds[row["task"]]): _verdict(row) for row in rows
    }
    with _quiet_progress(), _templates_compiled_once(), known_verdicts(verdicts):
        manager = TaskManager(include_path=roots, include_defaults=False)
        loaded = manager.load([task.name for task in tasks])
        for task in loaded["tasks"].values():
            # Examples are the engine's business; what is graded is the answer to the item.
            task.set_config("num_fewshot", 0)
            if k > 1:  # k completions an item, all of them graded
                task.set_config("repeats", k)
                task._filters = [build_filter_ensemble("all", [("take_first_k", {"k": k})])]
        # Not simple_evaluate: around this call it only draws up the environment, for seconds.
        results = evaluate_tasks(
            _kept_answers(rows), loaded, limit=limit, bootstrap_iters=0, log_samples=False
        )
    graded = (results or {}).get("results", {})
    return {task.name: _metric(graded[task.name], "accuracy") for task in tasks}


def _verdict(row: Mapping[str, Any]) -> Verdict:
    return Verdict(row["status"], row["strict"], row["lenient"], row["extracted"], row["reason"], 0.0)


def _kept_answers(rows: Sequence[Mapping[str, Any]]) -> Any:
    """An lm-eval model that answers with the rows' completions, in their order."""
    from lm_eval.api.model import LM

    by_task: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        by_task.setdefault(row["task"], []).append(row)

    class KeptAnswers(LM):
        """lm-eval's view of the engine."""

        def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[str]:
            answers = {name: iter(rows) for name, rows in by_task.items()}
            return [_answer(request, next(answers[str(request.task_name)], None)) for request in requests]

        def loglikelihood(
            self, requests: list[Instance], disable_tqdm: bool = False
        ) -> list[tuple[float, bool]]:
            raise WorkError("slmr evaluates tasks that generate; this one asks for log-likelihoods")

        def loglikelihood_rolling(self, requests: list[Instance], disable_tqdm: bool = False) -> list[float]:
            raise WorkError("slmr evaluates tasks that generate; this one asks for log-likelihoods")

    return KeptAnswers()


def _answer(request: Instance, row: Mapping[str, Any] | None) -> str:
    if row is None or request.args[0] != row["prompt"]:
        raise WorkError(
            f"{request.task_name}: lm-eval asks {str(request.args[0])[:80]!r}, where slmr asked"
            f" {row['prompt'][:80] if row else 'nothing'!r}; the task's YAML is read differently by the two"
        )
    return row["completion"]


def _metric(results: Mapping[str, Any], name: str) -> float:
    """A metric under any filter's name: lm-eval keys are `metric,filter`."""
    return float(next(value for key, value in results.items() if key.split(",")[0] == name))


@contextlib.contextmanager
def _templates_compiled_once() -> Iterator[None]:
    """lm-eval compiles a task's templates anew for every document; for a small model that is a tenth of the time."""
    from lm_eval.utils import env

    compiled = env.from_string
    env.from_string = lru_cache(maxsize=64)(compiled)  # type: ignore[method-assign]
    try:
        yield
    finally:
        env.from_string = compiled  # type: ignore[method-assign]


@contextlib.contextmanager
def _quiet_progress() -> Iterator[None]:
    """Keeps lm-eval's tqdm bars and prints off the screen, where our own display is."""
    before = os.environ.get("TQDM_DISABLE")
    os.environ["TQDM_DISABLE"] = "1"
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        if before is None:
            del os.environ["TQDM_DISABLE"]
        else:
            os.environ["TQDM_DISABLE"] = before
