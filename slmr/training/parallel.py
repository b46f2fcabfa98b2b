"""Communication between the processes of one training, and access to the whole model if it is sharded.

In a training with one process these functions have no effect.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slmr.config import TrainingSettings
from slmr.errors import RequestError, WorkError, one_line
from slmr.io import read_json

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

_STRATEGIES = Path(__file__).parent / "strategies"


def settings(training: TrainingSettings) -> dict[str, Any]:
    """The parallelism settings for transformers' TrainingArguments."""
    arguments: dict[str, Any] = {
        "gradient_accumulation_steps": training.accumulation,
        "gradient_checkpointing": training.gradient_checkpointing and training.strategy != "fsdp",
        "gradient_checkpointing_kwargs": {"use_reentrant": False},
    }
    if training.processes > 1:
        # The loss is the mean over all tokens of the global batch, not the mean of the processes' means.
        arguments |= {"average_tokens_across_devices": True, "ddp_find_unused_parameters": False}
    file = _STRATEGIES / f"{training.strategy}.json"
    if training.strategy == "fsdp":
        checkpointing = {"activation_checkpointing": training.gradient_checkpointing}
        arguments |= {"fsdp": True, "fsdp_config": read_json(file) | checkpointing}
    elif training.strategy != "ddp":
        arguments["deepspeed"] = str(file)
    return arguments


def several() -> bool:
    """Whether this process trains together with others."""
    return world_size() > 1


def world_size() -> int:
    """The number of processes of this training."""
    from torch import distributed as dist

    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """This process's index among those of its training."""
    from torch import distributed as dist

    return dist.get_rank() if several() else 0


def is_main_process() -> bool:
    """Whether this process is the one of its training that writes files."""
    return rank() == 0


def all_gather(value: Any) -> list[Any]:
    """The values of all processes, in order of rank. All processes must call it."""
    if not several():
        return [value]
    from torch import distributed as dist

    values: list[Any] = [None] * world_size()
    dist.all_gather_object(values, value)
    return values


def all_sum(counts: Mapping[str, float]) -> dict[str, Any]:
    """The sums of the counts over all processes; a missing count is 0."""
    total: Counter[str] = Counter()
    for of_process in all_gather(dict(counts)):
        total.update(of_process)
    return dict(total)


@contextmanager
def whole_model(trainer: Any) -> Iterator[Any]:
    """Yields a trainer's model with all its weights, so that each process can run it independently.

    All processes must enter and leave together. For FSDP2 the parameters stay gathered between passes; for ZeRO-3, TRL
    gathers the parameters and removes the hooks.
    """
    model = trainer.accelerator.unwrap_model(trainer.model)
    # ZeRO-3 marks partitioned parameters.
    if any(hasattr(parameter, "ds_id") for parameter in model.parameters()):
        from trl.models import unwrap_model_for_generation

        with unwrap_model_for_generation(trainer.model_wrapped, trainer.accelerator) as gathered_model:
            yield gathered_model
        return
    with unsharded(model):
        yield model


@contextmanager
def unsharded(model: torch.nn.Module) -> Iterator[None]:
    """Gathers the parameters that FSDP2 shards among processes, for the duration of the context."""
    import torch
    from torch.distributed.fsdp import FSDPModule

    parts = [part for part in model.modules() if isinstance(part, FSDPModule)]
    if parts:  # FSDP initialises itself in a first pass through the whole model, unlike a sampler's steps
        with torch.no_grad():
            model(input_ids=torch.zeros((1, 1), dtype=torch.long, device=next(model.parameters()).device))
    for part in parts:
        part.set_reshard_after_forward(False, recurse=False)
        part.unshard()
    try:
        yield
    finally:
        for part in parts:
            part.reshard()
            part.set_reshard_after_forward(True, recurse=False)


def states(trainer: Any) -> dict[str, torch.Tensor]:
    """All weights of a sharded model, on the CPU of the first process; the others must take part and get none."""
    weights = trainer.accelerator.get_state_dict(trainer.model_wrapped) or {}
    return {name: tensor.detach().cpu() for name, tensor in weights.items()}


def average_gradients(model: torch.nn.Module) -> None:
    """Averages gradients after a backward pass outside the trainer, so that all processes step identically."""
    if not several():
        return
    from torch import distributed as dist

    for parameter in model.parameters():
        if parameter.grad is not None:
            dist.all_reduce(parameter.grad)
            parameter.grad /= world_size()


def check_same(model: torch.nn.Module) -> None:
    """Checks that all processes have the same weights, if each has all of them.

    Raises:
        WorkError: they have not.
    """
    sums = all_gather(float(sum(parameter.detach().double().sum() for parameter in model.parameters())))
    if len(set(sums)) > 1:
        raise WorkError(f"training: the processes have different weights: their sums are {sums}")


def with_adapters(model: PreTrainedModel, training: TrainingSettings) -> Any:
    """The model, with adapters if these are to be trained instead of its weights."""
    if training.lora is None:
        return model
    from peft import LoraConfig, get_peft_model

    lora = training.lora
    targets = lora.targets if isinstance(lora.targets, str) else list(lora.targets)
    config = LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=targets,
        task_type="CAUSAL_LM",
    )
    try:
        return get_peft_model(model, config)
    except ValueError as error:
        raise RequestError(f"training: lora.targets: {one_line(error)[:300]}") from None
