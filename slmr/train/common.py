"""What every trainer shares: seeds, settings that never change, progress, the saved model."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from slmr.errors import WorkError
from slmr.stage import StageContext

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase, TrainerCallback


def seed_everything(seed: int) -> None:
    """Fixes every random state that a trainer draws from."""
    import torch

    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def trainer_settings(context: StageContext) -> dict[str, Any]:
    """Settings of transformers' Trainer that are the same for every method."""
    return {
        "output_dir": str(context.folder / "trainer"),
        "report_to": "none",
        "save_strategy": "no",
        "disable_tqdm": True,
        "seed": context.seed,
        "data_seed": context.seed,
        "bf16": context.engine.dtype == "bfloat16",
        "use_cpu": context.engine.device == "cpu",
        "gradient_checkpointing": False,
        "dataloader_pin_memory": False,
        "max_grad_norm": 1.0,
    }


def progress_callback(context: StageContext, unit: str = "steps") -> TrainerCallback:
    """Hands the trainer's steps to the progress display, and its logs to the stage's curve."""
    from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

    curve: list[dict[str, float]] = context.stats.setdefault("curve", [])

    class Reporter(TrainerCallback):
        def on_step_end(
            self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object
        ) -> None:
            context.progress(state.global_step, state.max_steps, unit)

        def on_log(
            self, args: TrainingArguments, state: TrainerState, control: TrainerControl,
            logs: Mapping[str, Any] | None = None, **_: object,
        ) -> None:  # fmt: skip
            point = {"step": float(state.global_step)}
            point |= {
                k: float(v)
                for k, v in (logs or {}).items()
                if isinstance(v, int | float | str) and _number(v)
            }
            check_finite(point)
            curve.append(point)

    return Reporter()


def silent(trainer: Any) -> Any:
    """The trainer without its habit of printing every log to standard output, which is for results."""
    from transformers import PrinterCallback

    trainer.remove_callback(PrinterCallback)
    return trainer


def _number(value: object) -> bool:
    try:
        float(value)  # type: ignore[arg-type]
    except ValueError:
        return False
    return True


def check_finite(point: Mapping[str, float]) -> None:
    """Stops a run whose loss has left the numbers.

    Raises:
        WorkError: the loss or the gradient norm is NaN or infinite; the message says what to try.
    """
    for name in ("loss", "grad_norm"):
        if name in point and not np.isfinite(point[name]):
            raise WorkError(
                f"training diverged: {name} is {point[name]} at step {point['step']:.0f};"
                " lower the learning rate or lengthen the warm-up"
            )


def save_model(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
    """An ordinary transformers folder, in safetensors."""
    model.config.use_cache = True
    model.save_pretrained(folder / "model")
    tokenizer.save_pretrained(folder / "model")
