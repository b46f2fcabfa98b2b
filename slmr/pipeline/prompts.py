"""Checks, before any work, that every prompt of a plan fits into its student's context."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from slmr.config import EngineSettings
from slmr.curriculum.pool import PoolParams, pool_items
from slmr.engines import Prompt
from slmr.engines.decode import context_length
from slmr.errors import RequestError
from slmr.evaluate import EvaluateParams, prompts_of
from slmr.pipeline.planner import StageNode
from slmr.tasks.registry import load_task

PromptParams = EvaluateParams | PoolParams


def check_prompts(nodes: Sequence[StageNode], engine: EngineSettings, tasks_paths: Sequence[Path]) -> None:
    """Checks all prompts of these stages' students, except those of a server, which counts tokens itself.

    Raises:
        RequestError: a prompt leaves no room for an answer; the message names task and item.
    """
    checks: dict[Path, Callable[[Prompt], str | None]] = {}
    for student, params, seed in dict.fromkeys(_sources(nodes)):
        if student not in checks:
            checks[student] = _length_check(student, engine)
        for task, item, prompt in _prompts(params, seed, tasks_paths):
            if fault := checks[student](prompt):
                raise RequestError(
                    f"task '{task}', item {item}: {fault}: take a model with a longer context, use fewer worked"
                    " examples (--fewshot), or remove the item from the task's data"
                )


def _length_check(student: Path, engine: EngineSettings) -> Callable[[Prompt], str | None]:
    """A function that returns what is wrong with a prompt's length, or None if an answer fits after it."""
    from slmr.engines.transformers import encode, load_config, load_tokenizer

    limit = context_length(load_config(student, engine.trust_remote_code))
    tokenizer = load_tokenizer(student, engine.trust_remote_code, engine.chat_template_kwargs)
    overhead = len(encode(tokenizer, Prompt("")))  # tokens of the template per turn

    def check(prompt: Prompt) -> str | None:
        # A token has at least one byte, so most prompts are known to fit without being tokenized.
        at_most = sum(len(turn["content"].encode()) + overhead for turn in prompt.messages())
        if limit is None or at_most < limit or (tokens := len(encode(tokenizer, prompt))) < limit:
            return None
        return f"its prompt has {tokens:,} tokens, but the context of {student} has {limit:,}, including the answer"

    return check


def _sources(nodes: Sequence[StageNode]) -> Iterator[tuple[Path, PromptParams, int | None]]:
    """The students with files, each with the parameters and seed of the evaluations and pools that it answers."""
    for node in nodes:
        for student in node.students():
            if isinstance(student.location, Path):
                for source in node.stages():
                    if isinstance(source.params, PromptParams):
                        yield student.location, source.params, source.seed


def _prompts(params: PromptParams, seed: int | None, tasks_paths: Sequence[Path]) -> Iterator[tuple[str, str, Prompt]]:
    """Task, item and prompt."""
    if isinstance(params, PoolParams):
        task = load_task(params.task, tasks_paths)
        for item in pool_items(task, params, seed or 0):
            yield task.name, item.id, Prompt(task.prompt(item.problem))
        return
    for name in params.tasks:
        task = load_task(name, tasks_paths)
        for item, prompt in prompts_of(task, params):
            yield name, item.id, prompt
