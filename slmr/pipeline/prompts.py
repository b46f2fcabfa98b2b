"""Whether every prompt of a plan fits into its student's context, asked before any work."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from slmr.config import EngineSettings
from slmr.curriculum.pool import PoolParams, pool_items
from slmr.engines import Prompt
from slmr.engines.context import context_length
from slmr.errors import RequestError
from slmr.evaluate import EvaluateParams, prompts_of
from slmr.pipeline.planner import StageNode
from slmr.tasks.registry import load_task

Asked = EvaluateParams | PoolParams


def check_prompts(nodes: Sequence[StageNode], engine: EngineSettings, tasks_paths: Sequence[Path]) -> None:
    """Looks at all prompts that the students of these stages will be asked; a server counts its tokens itself.

    Raises:
        RequestError: one leaves no room for an answer; the message names task and item.
    """
    checks: dict[Path, Callable[[Prompt], str | None]] = {}
    for student, asked, seed in dict.fromkeys(_asked(nodes)):
        if student not in checks:
            checks[student] = _length_check(student, engine)
        for task, item, prompt in _prompts(asked, seed, tasks_paths):
            if fault := checks[student](prompt):
                raise RequestError(
                    f"task '{task}', item {item}: {fault}: take a model with a longer context, fewer worked examples"
                    " (--fewshot), or take the item out of the task's data"
                )


def _length_check(student: Path, engine: EngineSettings) -> Callable[[Prompt], str | None]:
    """Of a prompt what is wrong with its length, in a line; None where an answer fits behind it."""
    from transformers import AutoConfig

    from slmr.engines.transformers import encode, load_tokenizer

    limit = context_length(AutoConfig.from_pretrained(student, trust_remote_code=engine.trust_remote_code))
    tokenizer = load_tokenizer(student, engine.trust_remote_code, engine.chat_template_kwargs)
    around = len(encode(tokenizer, Prompt("")))  # of the template, for each turn

    def check(prompt: Prompt) -> str | None:
        # A token is a byte at least: most prompts need not be tokenized to be known to fit.
        at_most = sum(len(turn["content"].encode()) + around for turn in prompt.messages())
        if limit is None or at_most < limit or (tokens := len(encode(tokenizer, prompt))) < limit:
            return None
        return f"its prompt is of {tokens:,} tokens, and the context of {student} is of {limit:,}, with the answer"

    return check


def _asked(nodes: Sequence[StageNode]) -> Iterator[tuple[Path, Asked, int | None]]:
    """The students that have files, each with the parameters and the seed of what asks them: evaluations, and pools."""
    for node in nodes:
        for student in node.students():
            if isinstance(student.location, Path):
                for source in node.stages():
                    if isinstance(source.params, Asked):
                        yield student.location, source.params, source.seed


def _prompts(
    asked: Asked, seed: int | None, tasks_paths: Sequence[Path]
) -> Iterator[tuple[str, str, Prompt]]:
    """Task, item and prompt."""
    if isinstance(asked, PoolParams):
        task = load_task(asked.task, tasks_paths)
        for item in pool_items(task, asked, seed or 0):
            yield task.name, item.id, Prompt(task.prompt(item.problem))
        return
    for name in asked.tasks:
        task = load_task(name, tasks_paths)
        for item, prompt in prompts_of(task, asked):
            yield name, item.id, prompt
