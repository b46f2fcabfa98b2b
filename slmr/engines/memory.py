"""Batch sizes that fit into memory, and recovery from running out of it."""

from __future__ import annotations

import gc
import os
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_TYPICAL_TOKENS = 1024  # of one completion with its prompt, to estimate the batch size
SHARE = 0.4  # of the machine's memory for the cache; the rest is for weights, activations and other processes
BESIDE_TRAINING = 0.3  # of a GPU's memory, for vLLM in the training process
GPU_SHARE = "SLMR_GPU_SHARE"  # environment variable, see `gpu_share`
_TINY = 20_000_000  # parameters; in a smaller model call overhead costs more than arithmetic


def batch_size(model: PreTrainedModel, wanted: int | Literal["auto"]) -> int:
    """The requested batch size; for `auto` a power of two that fits into memory.

    It depends only on the machine and the model, not on other processes, so that the same command
    forms the same batches again.
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
    """Frees unused memory, for example that of a failed attempt."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def gpu_share() -> float:
    """The fraction of a GPU's memory that this process may use, if several share the GPU."""
    return float(os.environ.get(GPU_SHARE, "1"))


def _total_bytes(model: PreTrainedModel) -> int:
    import psutil
    import torch

    if model.device.type == "cuda":
        return torch.cuda.get_device_properties(model.device).total_memory
    return psutil.virtual_memory().total
