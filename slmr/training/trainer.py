"""The common part of all trainers: seeds, fixed settings, and saving the model."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slmr import signals
from slmr.curriculum.schema import VALIDATION
from slmr.engines.transformers import load_model, load_tokenizer
from slmr.errors import RequestError
from slmr.io import write_rows
from slmr.stage import StageContext
from slmr.training import parallel
from slmr.training.curve import CURVE, Curve, summary
from slmr.training.validation import NOTHING_HELD_OUT, ValidationParams

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase, TrainerCallback

    from slmr.training.checkpoint import Stateful
    from slmr.training.heldout import Validation


def seed_everything(seed: int) -> None:
    """Seeds every random state that a trainer uses."""
    import numpy as np
    import torch

    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def trainer_settings(context: StageContext) -> dict[str, Any]:
    """Settings of transformers' Trainer that are the same for every method."""
    return {
        "output_dir": str(context.trainer_folder),
        "report_to": list(context.training.report_to) or "none",
        "run_name": context.tracked_as or None,
        "project": "slmr",  # for trackio
        "save_strategy": "no",  # `slmr.training.checkpoint` decides when to save
        # One row of the curve per step. The filter would replace a NaN loss by 0.
        "logging_steps": 1,
        "logging_nan_inf_filter": False,
        "disable_tqdm": True,
        "seed": context.seed,
        "data_seed": context.seed,
        "bf16": context.engine.dtype == "bfloat16",
        "use_cpu": context.engine.device == "cpu",
        "dataloader_pin_memory": False,
        "max_grad_norm": 1.0,
        **parallel.settings(context.training),
    }


class Run:
    """One training: the student with all random states seeded, its curve and its validation.

    Attributes:
        model: the model, with adapters if these are trained.
        parameters: number of the model's parameters, without adapters.

    Raises:
        RequestError: the stage's input is no readable model.
    """

    def __init__(self, context: StageContext) -> None:
        source = context.model("model")
        seed_everything(context.seed)
        self.tokenizer: Any = load_tokenizer(source, template_arguments=context.engine.chat_template_kwargs)
        model = load_model(source, context.engine.device)
        self.parameters = model.num_parameters()  # before adapters are added, and before the model is sharded
        self.model: Any = parallel.with_adapters(model, context.training)
        self.curve = Curve()
        self._context = context
        self._validation: Validation | None = None

    def validate(self, params: ValidationParams, updates: int = 1) -> None:
        """Sets up validation as in the parameters, on the problems that the pool holds out.

        It must be called before the trainer is created, which may shard the model. `updates`: weight updates per step.

        Raises:
            RequestError: the pool holds no problems out.
        """
        if not params.validate_every:
            return
        context = self._context
        pools = context.folders("validation") if context.inputs.get("validation") else []
        if not pools or not (pools[0] / VALIDATION).is_file():
            raise RequestError(NOTHING_HELD_OUT)
        from slmr.training.heldout import Validation

        problems, folder = VALIDATION.read(pools[0]), context.trainer_folder
        self._validation = Validation(self.model, self.tokenizer, problems, params, self.curve, folder, updates)

    def train(
        self,
        trainer: Any,
        more: Callable[[int], Mapping[str, float]],
        parts: Mapping[str, Stateful] = {},
        updates: int = 1,
        callback: TrainerCallback | None = None,
    ) -> None:
        """Trains, and writes `model/` and the curve; the validation's results are added to the statistics.

        A killed run continues from its newest checkpoint; checkpoints are only made at multiples of `updates`.
        `more` gives a step's values for the curve besides the trainer's logs; the state of `parts` is saved in
        checkpoints.
        """
        from transformers import PrinterCallback

        from slmr.training.checkpoint import Checkpoints
        from slmr.training.progress import ProgressCallback

        context, validation = self._context, self._validation
        parts = {**parts, "curve": self.curve}
        if validation:
            validation.follow(trainer)
            parts["validation"] = validation
        checkpoints = Checkpoints(parts, updates)
        progress = ProgressCallback(context, self.curve, more)
        for each in (progress, callback, validation, checkpoints):
            if each is not None:
                trainer.add_callback(each)
        never_at_rate_zero(trainer)
        trainer.remove_callback(PrinterCallback)  # it prints to standard output, which is for results
        with signals.deferred():
            trainer.train(resume_from_checkpoint=checkpoints.newest(Path(trainer.args.output_dir)))
        if validation:
            context.stats |= {"validation": validation.summary(), "validation_tokens": validation.tokens}
        context.stats |= {"steps": int(self.curve.rows[-1]["step"]), "course": summary(self.curve.rows)}
        model = _final_model(trainer, context, validation)
        if context.is_main_process:
            context.stats["unchanged"] = has_weights_of(model, context.model("model"))
            write_rows(context.folder / CURVE, self.curve.rows)
            _save(model, trainer.processing_class, context.folder / "model")


def never_at_rate_zero(trainer: Any) -> None:
    """Skips the first learning rate of a trainer's schedule if it is 0.

    The warm-up of transformers starts at 0: a step that costs tokens and changes nothing. The schedule is then created
    with one more step.
    """
    from torch.optim.lr_scheduler import LambdaLR

    create = trainer.create_scheduler

    def create_scheduler(num_training_steps: int, optimizer: Any = None) -> Any:
        schedule = create(num_training_steps + 1, optimizer)
        if all(rate > 0 for rate in schedule.get_last_lr()):
            trainer.lr_scheduler = None
            return create(num_training_steps, optimizer)
        shifted = [lambda step, rate_at=rate_at: rate_at(step + 1) for rate_at in schedule.lr_lambdas]
        trainer.lr_scheduler = LambdaLR(schedule.optimizer, shifted)
        return trainer.lr_scheduler

    trainer.create_scheduler = create_scheduler


def has_weights_of(model: PreTrainedModel, folder: Path) -> bool:
    """Whether a model's weights are exactly those of a folder's files; stops at the first difference."""
    from safetensors import safe_open

    weights = model.state_dict()
    for file in sorted(folder.glob("*.safetensors")):
        with safe_open(file, "pt") as opened:
            for name in opened.keys():  # noqa: SIM118 - `opened` is not a mapping
                ours = weights.get(name)
                theirs = opened.get_tensor(name)
                if ours is not None and not bool((ours.cpu() == theirs.to(ours.dtype)).all()):
                    return False
    return True


def _final_model(trainer: Any, context: StageContext, validation: Validation | None) -> Any:
    """The model to be saved, without adapters; None if the model is sharded and this is not the first process."""
    best = validation.best_weights() if validation and context.is_main_process else {}
    if context.training.shards:
        weights = parallel.states(trainer)
        if not context.is_main_process:
            return None
        model: Any = load_model(context.model("model"), "cpu")
        model.load_state_dict(weights, strict=False)  # tied weights occur only once
    else:
        model = trainer.accelerator.unwrap_model(trainer.model)
        parallel.check_same(model)
    model.load_state_dict(best, strict=False)
    return model.merge_and_unload() if context.training.lora else model


def _save(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
    """Writes an ordinary transformers folder, with safetensors."""
    model.config.use_cache = True
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
