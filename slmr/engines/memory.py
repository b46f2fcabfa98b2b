"""How many completions fit side by side, and what to do when they do not."""

from __future__ import annotations

import gc
import os
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_TYPICAL_TOKENS = 1024  # of one completion with its prompt, for the estimate of the batch size
SHARE = 0.4  # of the machine's memory for the cache; the rest is weights, activations and everybody else
BESIDE_TRAINING = 0.3  # of a GPU's memory, for a vLLM in the training process
GPU_SHARE = "SLMR_GPU_SHARE"  # environment variable, see `gpu_share`
_TINY = 20_000_000  # parameters; below, a step costs more in calls than in arithmetic


def batch_size(model: PreTrainedModel, wanted: int | Literal["auto"]) -> int:
    """The batch size that was asked for; for `auto` a power of two that the memory holds.

    It depends on the machine and the model alone, not on what else is running, so that the same
    command forms the same batches again.
    """
    if wanted != "auto":
        return wanted
    on_cpu = model.device.type == "cpu"
    most = 256 if model.num_parameters() < _TINY or not on_cpu else 32
    fitting = int(SHARE * _total_bytes(model)) // (_TYPICAL_TOKENS * cache_bytes(model))
    return max(1, min(most, 1 << max(0, fitting.bit_length() - 1)))


def cache_bytes(model: PreTrainedModel) -> int:
    """Bytes of keys and values that one token needs in all layers."""
    config = model.config.get_text_config()
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    width = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    return 2 * config.num_hidden_layers * heads * width * model.dtype.itemsize


def exhausted(error: RuntimeError) -> bool:
    """Whether the error says that there was not enough memory, on a device or on the CPU."""
    import torch

    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)


def release() -> None:
    """Lets go of what nothing uses any more, as what a failed attempt held."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def gpu_share() -> float:
    """Which part of a GPU's memory this process may take, where several share it."""
    return float(os.environ.get(GPU_SHARE, "1"))


def _total_bytes(model: PreTrainedModel) -> int:
    import psutil
    import torch

    if model.device.type == "cuda":
        return torch.cuda.get_device_properties(model.device).total_memory
    return psutil.virtual_memory().total
