"""Time and memory on a GPU. Every assumption is a field here, and is printed beside the figures.

training   6 N FLOPs per token (8 N with gradient checkpointing)
generation 2 N FLOPs per token; a decoding step takes the maximum of its arithmetic, of reading weights and cache, and
           of a minimal time
memory     weights, gradients and Adam's two moments in float32, 16 N bytes; activations; logits; or, while sampling,
           the cache of keys and values
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

from slmr.config import TrainingSettings
from slmr.engines import memory
from slmr.pipeline.estimate.shapes import ModelShape


@dataclass(frozen=True)
class Assumptions:
    """The assumptions, with units in the names; none is measured on this machine."""

    peak_flops: float = 989e12  # H100 SXM, bfloat16, dense
    bandwidth_bytes_s: float = 3.35e12
    memory_gib: float = 80.0
    train_share: float = 0.25  # of the peak that training reaches, including padding
    prefill_share: float = 0.4
    bandwidth_share: float = 0.5
    vllm_step_s: float = 0.004  # minimal time of a decoding step, with CUDA graphs
    transformers_step_s: float = 0.025  # minimal time of a decoding step, launched from Python
    scaling: float = 0.85  # parallel efficiency of training on several GPUs
    vllm_width: int = 256  # completions side by side
    transformers_width: int = 256
    vllm_share: float = memory.BESIDE_TRAINING  # of the memory, for vLLM in the training process
    prompt_tokens: int = 110  # GSM8K in a chat template
    trace_tokens: int = 130  # GSM8K's own solutions
    fill: float = 0.5  # share of max_tokens that a completion uses
    completion_tokens: float | None = None  # mean length of a completion, if known
    simple: float = 1 / 3  # of the pool, by difficulty
    medium: float = 1 / 3
    hard: float = 1 / 3
    mixed: float = 0.6  # of the pool, with a right and a wrong completion
    failed: float = 0.2  # of the pool, without a right completion
    right: float = 0.5  # of completions
    adaptive: float = 0.7  # share of a full probe's completions that an adaptive probe samples
    steps: int = 4  # in a trace

    def rows(self) -> list[tuple[str, str]]:
        """Name and value of each, for display."""
        values = [(f.name, getattr(self, f.name)) for f in fields(self)]
        return [(name, f"{value:.3g}") for name, value in values if value is not None]


ASSUMED = Assumptions()


@dataclass(frozen=True)
class Machine:
    """A number of GPUs, and how the profile trains and samples on them; `rollouts` as `EngineSettings.sampled_by`."""

    gpus: int
    training: TrainingSettings
    engine: str = "vllm"
    rollouts: str = "trainer"
    assumed: Assumptions = ASSUMED

    @property
    def train_flops(self) -> int:
        """FLOPs of training per weight and token."""
        return 8 if self.training.gradient_checkpointing else 6

    # --- time ------------------------------------------------------------------------------------

    def train_s(self, shape: ModelShape, tokens: float) -> float:
        """Seconds of forward and backward passes over `tokens` tokens."""
        speed = self.assumed.peak_flops * self.assumed.train_share
        return self.train_flops * shape.parameters * tokens / speed / self._speed_up

    def prefill_s(self, shape: ModelShape, tokens: float, gpus: int = 1) -> float:
        speed = self.assumed.peak_flops * self.assumed.prefill_share
        return 2 * shape.parameters * tokens / speed / gpus

    def decode_s(self, shape: ModelShape, call: Call, engine: str, gpus: int = 1) -> float:
        """Seconds of one call of the sampler; its completions are divided among the GPUs."""
        a = self.assumed
        most = a.vllm_width if engine == "vllm" else a.transformers_width
        per_gpu = math.ceil(call.completions / gpus)
        width = min(most, per_gpu)
        steps = max(call.longest, per_gpu * call.mean / width)
        bytes_each = 2 if engine == "vllm" else 4  # in training weights are float32
        read = bytes_each * (shape.parameters + width * (call.prompt + call.mean) * shape.cached)
        step = max(
            a.vllm_step_s if engine == "vllm" else a.transformers_step_s,
            read / (a.bandwidth_bytes_s * a.bandwidth_share),
            2 * shape.parameters * width / (a.peak_flops * a.prefill_share),
        )
        return steps * step

    @property
    def _speed_up(self) -> float:
        return self.gpus * self.assumed.scaling if self.gpus > 1 else 1.0

    # --- memory ----------------------------------------------------------------------------------

    def states_bytes(self, shape: ModelShape) -> float:
        """Bytes per GPU of weights, gradients, optimizer states and the buffer in which gradients are gathered."""
        n, shared = shape.parameters, self.gpus
        if self.training.lora:
            return 4 * n + 16 * shape.adapters(self.training.lora)
        match self.training.strategy if shared > 1 else "ddp":
            case "fsdp" | "zero3":
                return 16 * n / shared
            case "zero2":
                return 4 * n + 12 * n / shared
            case _:
                return 16 * n + (4 * n if shared > 1 else 0)

    def pass_bytes(self, shape: ModelShape, rows: float, length: float, written: float) -> float:
        """Bytes of activations and logits of a pass over `rows` of `length` tokens, of which `written` have logits.

        A layer keeps about 24 h + 8 i bytes per token (bfloat16, with the residual stream in float32). A logit takes
        12 bytes: in bfloat16, in float32, and its gradient. Autocast keeps a bfloat16 copy of the weights, 2 N.
        """
        layer = 24 * shape.hidden + 8 * shape.intermediate
        checkpointing = self.training.gradient_checkpointing
        per_token = layer + 4 * shape.hidden * shape.layers if checkpointing else layer * shape.layers
        return rows * (length * per_token + written * 12 * shape.vocabulary) + 2 * shape.parameters

    def rollout_bytes(self, shape: ModelShape, calls: Sequence[Call]) -> float:
        """Bytes that sampling during training needs beside the states; a server has its own GPUs."""
        if self.rollouts == "server":
            return 0.0
        if self.rollouts == "vllm":
            return self.assumed.vllm_share * self.assumed.memory_gib * 2**30
        return max(
            (self.cache_bytes(shape, c.completions / self.gpus, c.prompt + c.longest, "transformers") for c in calls),
            default=0.0,
        )

    def cache_bytes(self, shape: ModelShape, completions: float, length: float, engine: str) -> float:
        """Bytes of the keys and values of the completions that run side by side, at full length."""
        a = self.assumed
        width = min(a.vllm_width if engine == "vllm" else a.transformers_width, completions)
        return (2 if engine == "vllm" else 4) * width * length * shape.cached


@dataclass(frozen=True)
class Call:
    """One call of a sampler: completions of `mean`, at most `longest` tokens, after a prompt of `prompt` tokens.

    `alike` completions share a prompt.
    """

    completions: float
    prompt: float
    mean: float
    longest: float
    alike: float = 1.0
