"""TRL's trainer as our GRPO stages configure it, for one problem; and scripted rollouts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch

from slmr.config import EngineSettings
from slmr.engines.decode import Generation
from slmr.engines.transformers import load_model, load_tokenizer
from slmr.lab import model_path
from slmr.stage import StageContext
from slmr.training.curve import Curve
from slmr.training.group_reward import GroupReward
from slmr.training.grpo import GrpoParams, _config, _trainer
from slmr.training.progress import ProgressCallback
from slmr.training.rollouts import Rollouts


def real_trainer(folder: Path, kind: Callable[..., Any] | None = None, **changes: Any) -> Any:
    """One step, groups of two, at most 10 tokens, unless `changes` of the stage's parameters say otherwise."""
    source = model_path("lab-llama")
    problem = {"id": "p", "prompt": "1 + 1?", "gold": "2", "kind": "numeric"}
    context = StageContext(folder, {}, 0, EngineSettings(device="cpu"), lambda *_: None)
    params = GrpoParams(**{"steps": 1, "group_size": 2, "prompts_per_step": 1, "max_tokens": 10, **changes})
    reward = GroupReward(params.group_size)
    rollouts = Rollouts([problem], params, reward, 0)
    model, tokenizer = load_model(source), load_tokenizer(source)
    trainer = _trainer(model, tokenizer, _config(context, params), [problem], rollouts, reward, kind)
    trainer.add_callback(ProgressCallback(context, Curve(), lambda _: {}))
    trainer.model.train()
    trainer.current_gradient_accumulation_steps = 1
    return trainer


class Scripted:
    """For a `Rollouts` class: what is sampled is given, `r` a right completion and `w` a wrong one a sign.

    A problem's `says` are its groups' signs, one string a time that it is sampled. `asked` are the problems of each
    round, `starts` the prefixes that came with them.
    """

    tokenizer: Any
    asked: list[list[str]]
    starts: list[list[str]]

    def sample(self, problems: Any, where: list[int], prefixes: Sequence[str] | None = None) -> list[list[Generation]]:
        self.asked = [*getattr(self, "asked", []), [p["id"] for p in problems]]
        self.starts = [*getattr(self, "starts", []), list(prefixes or [])]
        return [self._group(p, (p["says"] + p["says"][-1:] * 9)[self._round(p)]) for p in problems]

    def _round(self, problem: Any) -> int:
        return sum(problem["id"] in names for names in self.asked) - 1

    def _group(self, problem: Any, signs: str) -> list[Generation]:
        prompt = tuple(self.tokenizer(problem["prompt"])["input_ids"])
        texts = ["#### 1" if sign == "r" else "#### 2" for sign in signs]
        ids = [self.tokenizer(text, add_special_tokens=False)["input_ids"] for text in texts]
        return [Generation(0, prompt, 0, [*line, self.tokenizer.eos_token_id], [-1.0]) for line in ids]


def rolled(rollouts: Rollouts, problems: Sequence[Any], size: int, step: int = 0) -> dict[str, Any]:
    """What the rollouts return for a step on these problems."""
    trainer = SimpleNamespace(
        accelerator=SimpleNamespace(unwrap_model=lambda model: model, process_index=0),
        model=torch.nn.Module(),
        processing_class=load_tokenizer(model_path("lab-llama")),
        state=SimpleNamespace(global_step=step),
    )
    return rollouts([p["prompt"] for p in problems for _ in range(size)], trainer)
