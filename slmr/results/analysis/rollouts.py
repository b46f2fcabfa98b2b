"""Reads completions and their rewards from rows of each trainer's own files. Nothing is executed."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slmr.errors import RequestError
from slmr.rewards.messages import text_of

_GOLDS = ("gold", "answer", "solution", "ground_truth", "gts")
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PaidCompletion:
    """One completion of a training; fields that the log lacks are None.

    Attributes:
        reward: the correctness reward, where the log keeps several.
        in_form: what a reward of the form says.
    """

    step: int
    prompt: str
    text: str
    reward: float | None
    gold: str | None = None
    in_form: float | None = None
    truncated: bool | None = None


def rollouts_of(row: Row, file: Path, place: str) -> tuple[str, list[PaidCompletion]]:
    """The row's source, `verl` or `verifiers`, and its completions.

    Raises:
        RequestError: it is no rollout of either.
    """
    for source, keys, reader in _READERS:
        if keys <= set(row):
            return source, list(reader(row, step_of(row, file, place)))
    raise RequestError(
        f"{place} is not a rollout: of verl it has 'input', 'output' and 'score', of verifiers 'prompt', 'completion'"
        f" and 'reward', or 'traces'; it has {', '.join(sorted(map(str, row))[:12])}"
    )


def step_of(row: Row, file: Path, place: str) -> int:
    """The row's step, else that in the file's name (`12.jsonl`) or the folder's (`step_12/rollouts.jsonl`)."""
    folder = file.parent.name
    step = row.get("step", number_in(file.stem) or (number_in(folder) if folder.startswith("step") else 0))
    if not isinstance(step, int | float) or not 0 <= step < 1e12:
        raise RequestError(f"{place}: a step is a number from 0 on, not {step!r:.80}")
    return int(step)


def _verl(row: Row, step: int) -> Iterator[PaidCompletion]:
    yield PaidCompletion(
        step,
        str(row["input"]),
        str(row["output"]),
        number_of(row["score"]),
        gold_of(row),
        None,
        _flag(row.get("truncated")),
    )


def _verifiers(row: Row, step: int) -> Iterator[PaidCompletion]:
    prompt = row["prompt"] or (row.get("task") if isinstance(row.get("task"), str) else "")
    yield PaidCompletion(
        step,
        prompt_text(prompt) or str(row.get("example_id")),
        text_of(row["completion"]),
        number_of(row["reward"]),
        gold_of(row),
        number_of(row.get("format_reward")),
        _flag(row.get("is_truncated")),
    )


def _episode(row: Row, step: int) -> Iterator[PaidCompletion]:
    """The completions of an episode in `traces.jsonl` of the current verifiers, which has a trace of each agent."""
    for trace in _mappings(row["traces"]):
        nodes = [node for node in _mappings(trace.get("nodes")) if isinstance(node.get("message"), dict)]
        replies = [node["message"] for node in nodes if node.get("sampled")]
        start = next((i for i, node in enumerate(nodes) if node.get("sampled")), len(nodes))
        task = trace.get("task")
        data = task.get("data") if isinstance(task, dict) else None
        prompt = prompt_text([node["message"] for node in nodes[:start]])
        yield PaidCompletion(
            step,
            prompt,
            text_of(replies),
            _weighted(trace.get("rewards")),
            gold_of(data) if isinstance(data, dict) else None,
            None,
            _cut_off(trace),
        )


def _weighted(rewards: Any) -> float | None:
    """The weighted sum of an agent's rewards; None without any."""
    parts = [part for part in (rewards.values() if isinstance(rewards, dict) else ()) if isinstance(part, dict)]
    values = [
        score * (1.0 if (weight := number_of(part.get("weight"))) is None else weight)
        for part in parts
        if (score := number_of(part.get("score"))) is not None
    ]
    return math.fsum(values) if values else None


_LIMITS = ("max_turns", "max_input_tokens", "max_output_tokens", "max_total_tokens", "context_length")


def _cut_off(trace: Row) -> bool | None:
    """Whether a limit ended the trace; None if the trace does not say."""
    calls = [call for call in _mappings(trace.get("calls")) if call.get("error") is None]
    if trace.get("stop_condition") is None and not calls:
        return None
    return trace.get("stop_condition") in _LIMITS or bool(calls and calls[-1].get("finish_reason") == "length")


_READERS: tuple[tuple[str, set[str], Callable[[Row, int], Iterator[PaidCompletion]]], ...] = (
    ("verl", {"input", "output", "score"}, _verl),
    ("verifiers", {"prompt", "completion", "reward"}, _verifiers),
    ("verifiers", {"traces"}, _episode),
)


# ----------------------------------------------------------------------------------------------- parts of a row


def prompt_text(prompt: Any) -> str:
    """The text of a prompt: a string, or a conversation's messages one after the other."""
    if prompt is None or isinstance(prompt, str):
        return prompt or ""
    return "\n".join(text_of([{**message, "role": None}]) for message in _mappings(prompt))


def question_text(prompt: Any) -> str:
    """The text of a prompt's last message, or the whole prompt if it is a string."""
    messages = _mappings(prompt)
    return prompt_text(messages[-1:]) if messages else prompt_text(prompt)


def _mappings(values: Any) -> list[dict[str, Any]]:
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []


def gold_of(row: Row) -> str | None:
    """The gold answer, from a column with one of the usual names."""
    for name in _GOLDS:
        value = row.get(name)
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        if isinstance(value, str | int | float) and not isinstance(value, bool) and value != "":
            return str(value)
    return None


def number_of(value: Any) -> float | None:
    """The number as a float; None for anything else."""
    return float(value) if isinstance(value, int | float) and not math.isnan(value) else None


def _flag(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def number_in(name: str) -> int:
    """The last number in a file's name; 0 without any."""
    numbers = re.findall(r"\d{1,12}", name)
    return int(numbers[-1]) if numbers else 0
