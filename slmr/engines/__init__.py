"""Sampling completions: one protocol, whichever library generates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from slmr.config import WHOLE_DISTRIBUTION, EngineSettings, Truncation


@dataclass(frozen=True, slots=True)
class Prompt:
    """A user turn and its context.

    Attributes:
        user: the question, with instructions about the form of the answer.
        prefix: text with which the answer has to begin; empty for none.
        examples: few-shot (question, answer) turns that precede the question.
        sample_index: index among several completions of the same prompt; each has its own random state.
        plain: do not apply the chat template; servers do not support this.
        system: a system message in front of all turns; empty for none.
    """

    user: str
    prefix: str = ""
    examples: tuple[tuple[str, str], ...] = ()
    sample_index: int = 0
    plain: bool = False
    system: str = ""

    def messages(self) -> list[dict[str, str]]:
        """The chat before the answer, in the format of OpenAI's API and of chat templates."""
        system = [{"role": "system", "content": self.system}] if self.system else []
        turns = [
            {"role": role, "content": text}
            for example in self.examples
            for role, text in zip(("user", "assistant"), example, strict=True)
        ]
        return [*system, *turns, {"role": "user", "content": self.user}]


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to sample: temperature 0 is greedy, whatever the truncation; `seed` fixes every random choice."""

    temperature: float
    max_tokens: int
    seed: int
    stop: tuple[str, ...] = ()
    truncation: Truncation = WHOLE_DISTRIBUTION


@dataclass(frozen=True, slots=True)
class Completion:
    """One completion without the prompt's prefix.

    Attributes:
        tokens: number of generated tokens, including the end token.
        token_ids: their ids; empty if a server does not report them.
        logprobs: log-probability of each token, in nats, under the distribution that it was drawn from
            (temperature and truncation applied; at temperature 0 the model's own); empty if a server does not
            report them.
    """

    text: str
    finish_reason: Literal["stop", "length"]
    tokens: int
    token_ids: tuple[int, ...] = ()
    logprobs: tuple[float, ...] = ()


OnCompletion = Callable[[int, Completion], None]
"""Called with the index of a prompt and its completion, as soon as the completion is finished."""


class Engine(Protocol):
    """Generates from and scores with one model.

    Attributes:
        parameters: number of the model's parameters; 0 for a server, which does not report it.
        width: number of prompts that run side by side.
        unit: number of prompts to pass to `generate` together. If an engine's arithmetic depends on what
            shares a batch, its answers can be reproduced only with the same unit.
    """

    parameters: int
    width: int
    unit: int

    def generate(
        self, prompts: Sequence[Prompt], sampling: Sampling, on_completion: OnCompletion | None = None
    ) -> list[Completion]:
        """One completion per prompt, in order."""
        ...

    def token_nlls(self, prompts: Sequence[Prompt], completions: Sequence[str]) -> list[list[float]]:
        """Negative log-likelihood in nats of each token of each completion, including the end token.

        Raises:
            RequestError: the engine cannot score.
        """
        ...

    def close(self) -> None:
        """Releases memory, processes and connections."""
        ...


def open_engine(model: Path | str, settings: EngineSettings) -> Engine:
    """Opens the engine that the settings name, for a model folder or a server's URL.

    Raises:
        RequestError: the engine is not installed, or it cannot load the model.
    """
    if settings.name == "server":
        from slmr.engines.server import ServerEngine

        return ServerEngine(str(model), settings)
    if settings.name == "vllm":
        from slmr.engines.vllm import VllmEngine

        return VllmEngine(Path(model), settings)
    from slmr.engines.transformers import TransformersEngine

    return TransformersEngine(Path(model), settings)
