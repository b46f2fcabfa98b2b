"""Continuations: each beginning n times, in order, and what that costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from slmr.artifacts import Cost
from slmr.curriculum.continuations import sample_continuations
from slmr.engines import Completion, Prompt, Sampling

SAMPLING = Sampling(1.0, 9, 0)


class Counting:
    """Answers with the number of the prompt, three tokens each."""

    parameters = 10

    def __init__(self) -> None:
        self.prompts: Sequence[Prompt] = ()

    def generate(self, prompts: Sequence[Prompt], sampling: Sampling, on_completion: Any) -> list[Completion]:
        self.prompts = prompts
        completions = [Completion(str(i), "stop", 3) for i in range(len(prompts))]
        for i in reversed(range(len(prompts))):  # an engine need not keep the order
            on_completion(i, completions[i])
        return completions


def test_every_beginning_is_continued_n_times_in_one_call() -> None:
    engine, told = Counting(), []
    starts: Any = [({"prompt": "a?"}, "so "), ({"prompt": "b?"}, "")]
    texts, cost = sample_continuations(
        engine,
        starts,
        2,
        SAMPLING,
        lambda done, total, _: told.append((done, total)),  # type: ignore[arg-type]
    )
    assert texts == [["so 0", "so 1"], ["2", "3"]]
    assert [(p.user, p.prefix, p.sample_index) for p in engine.prompts] == [
        ("a?", "so ", 0),
        ("a?", "so ", 1),
        ("b?", "", 0),
        ("b?", "", 1),
    ]
    assert cost == Cost(rollout_tokens=12, flops=2 * 10 * 12)
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_nothing_to_continue_costs_nothing() -> None:
    assert sample_continuations(None, [], 3, SAMPLING) == ([], Cost())  # type: ignore[arg-type]
