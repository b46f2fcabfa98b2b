"""TRL's trainer as our GRPO stage configures it, for one problem."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from slmr.engines.transformers import load_model, load_tokenizer
from slmr.lab import model_path
from slmr.stage import EngineSettings, StageContext
from slmr.train.curve import Curve
from slmr.train.grpo import GrpoParams, _trainer
from slmr.train.rollouts import GroupReward, Rollouts


def real_trainer(folder: Path, curve: Curve | None = None, **changes: Any) -> Any:
    """One step, groups of two, at most 10 tokens, unless `changes` of the stage's parameters say otherwise."""
    source = model_path("lab-llama")
    problem = {"id": "p", "prompt": "1 + 1?", "gold": "2", "kind": "numeric"}
    context = StageContext(folder, {}, 0, EngineSettings(device="cpu"), lambda *_: None)
    params = GrpoParams(**{"steps": 1, "group_size": 2, "prompts_per_step": 1, "max_tokens": 10, **changes})
    reward = GroupReward(params.group_size)
    rollouts = Rollouts([problem], params, reward, 0)
    model, tokenizer = load_model(source), load_tokenizer(source)
    trainer = _trainer(model, tokenizer, [problem], rollouts, reward, params, curve or Curve(), context)
    trainer.model.train()
    trainer.current_gradient_accumulation_steps = 1
    return trainer
