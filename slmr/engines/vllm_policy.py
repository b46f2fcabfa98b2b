"""Loads the weights of a model in training into a running vLLM."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

EXTENSION = "slmr.engines.vllm_policy.PolicyWorker"  # vLLM's setting worker_extension_cls


class PolicyWorker:
    """Extension of vLLM's worker, through which `collective_rpc` replaces its weights."""

    def load_policy(self, folder: str | None = None, weights: Iterator[Any] | None = None) -> None:
        """Replaces the weights by those of a folder's safetensors, or by (name, tensor) pairs.

        vLLM's `reload_weights` (0.32) leaves one thing out: on a CPU, matrices are multiplied from packed copies, and
        an output layer that shares the embedding's weights keeps its copy of the old ones.
        """
        worker: Any = self
        worker.reload_weights(weights_path=folder, weights_iterator=weights)
        _repack(worker.get_model())


def _repack(model: Any) -> None:
    from vllm.model_executor.layers.vocab_parallel_embedding import (  # type: ignore[reportMissingImports]
        UnquantizedEmbeddingMethod,
        VocabParallelEmbedding,
    )

    for layer in model.modules():
        method: Any = getattr(layer, "quant_method", None)
        if isinstance(layer, VocabParallelEmbedding) and isinstance(method, UnquantizedEmbeddingMethod):
            method.process_weights_after_loading(layer)  # does nothing on a GPU


def policy_weights(model: Any) -> Iterator[tuple[str, torch.Tensor]]:
    """Each weight once, under its name in a saved model, with the delta of LoRA adapters added.

    The model is not changed: repeatedly merging and unmerging an adapter would accumulate rounding errors in its base.
    """
    base = model.get_base_model() if hasattr(model, "peft_config") else model
    for name, parameter in base.named_parameters():
        if ".lora_" in name:
            continue
        weight, (adapted, inside, kind) = parameter.detach(), name.rpartition(".base_layer.")
        if inside and kind == "weight":
            layer = base.get_submodule(adapted)
            weight = weight + sum(layer.get_delta_weight(adapter).detach() for adapter in layer.active_adapters)
        yield name.replace(".base_layer.", "."), weight
