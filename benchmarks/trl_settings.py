"""The settings of a script that uses TRL alone, for `training.py` and the study `consolidation`."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def alone(out: Path, seed: int) -> dict[str, Any]:
    """Settings for any trainer."""
    return {
        "output_dir": str(out),
        "report_to": "none",
        "save_strategy": "no",
        "disable_tqdm": True,
        "seed": seed,
        "data_seed": seed,
        "use_cpu": True,
        "bf16": False,
        "dataloader_pin_memory": False,
        "max_grad_norm": 1.0,
    }


def grpo(params: Any) -> dict[str, Any]:
    """Settings for GRPO that match slmr's stage with these parameters."""
    return {
        "per_device_train_batch_size": params.prompts_per_step * params.group_size,
        "num_generations": params.group_size,
        "max_completion_length": params.max_tokens,
        "beta": params.beta,
        "learning_rate": params.learning_rate,
        "warmup_steps": params.warmup_steps,
        "lr_scheduler_type": "constant_with_warmup",
        "temperature": params.temperature,
        "loss_type": params.loss,
        "mask_truncated_completions": params.mask_truncated,
        "scale_rewards": params.scale_rewards,
    }
