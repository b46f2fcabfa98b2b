"""The sizes of a model, from its configuration alone: transformers builds the model without weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slmr.config import LoraSettings
from slmr.io import read_json

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel


@dataclass(frozen=True)
class ModelShape:
    """A decoder's sizes, in numbers of weights or of activations.

    Attributes:
        parameters: number of weights; tied embeddings count once.
        intermediate: the inner width of an MLP, or of one expert.
        linear_sides: the sum of inputs and outputs over all linear layers except the last.
    """

    parameters: int
    layers: int
    hidden: int
    intermediate: int
    heads: int
    kv_heads: int
    head_width: int
    vocabulary: int
    linear_sides: int

    @property
    def cached(self) -> int:
        """Numbers per token in the cache of keys and values."""
        return 2 * self.layers * self.kv_heads * self.head_width

    def adapters(self, lora: LoraSettings) -> int:
        """Upper bound of the adapters' weights: adapters on all linear layers."""
        return lora.rank * self.linear_sides


# Copied from the hub's config.json, so that a plan needs no download.
_LLAMA_32 = {
    "model_type": "llama",
    "hidden_size": 2048,
    "intermediate_size": 8192,
    "num_hidden_layers": 16,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 64,
    "vocab_size": 128_256,
}
_QWEN_25 = {
    "model_type": "qwen2",
    "hidden_size": 896,
    "intermediate_size": 4864,
    "num_hidden_layers": 24,
    "num_attention_heads": 14,
    "num_key_value_heads": 2,
    "vocab_size": 151_936,
}
KNOWN: dict[str, dict[str, Any]] = {
    "Qwen/Qwen2.5-0.5B-Instruct": {**_QWEN_25, "tie_word_embeddings": True},
    "meta-llama/Llama-3.2-1B-Instruct": {**_LLAMA_32, "tie_word_embeddings": True},
}


def shape_of(model: Path | str) -> ModelShape | None:
    """The shape of a model folder or a known hub id; None if it is unknown."""
    config = config_of(model)
    return None if config is None else _count(config)


def shapes_of(models: Mapping[str, Path | str]) -> dict[str, ModelShape]:
    """The known shapes of several models."""
    shapes = {key: shape_of(model) for key, model in models.items()}
    return {key: shape for key, shape in shapes.items() if shape}


def config_of(model: Path | str) -> PreTrainedConfig | None:
    """The configuration of a model folder or a known hub id; None if there is none that transformers knows."""
    from transformers import CONFIG_MAPPING

    file = Path(model) / "config.json"
    values: dict[str, Any] = KNOWN.get(str(model)) or (read_json(file) if file.is_file() else {})
    kind = str(values.get("model_type"))
    return CONFIG_MAPPING[kind].from_dict(values) if kind in CONFIG_MAPPING else None


def without_weights(config: PreTrainedConfig) -> PreTrainedModel | None:
    """A causal language model on torch's meta device; None for a configuration of another kind of model."""
    import torch
    from transformers import MODEL_FOR_CAUSAL_LM_MAPPING, AutoModelForCausalLM

    if type(config) not in MODEL_FOR_CAUSAL_LM_MAPPING:
        return None
    with torch.device("meta"):
        return AutoModelForCausalLM.from_config(config)


def _count(config: PreTrainedConfig) -> ModelShape | None:
    import torch

    model = without_weights(config)
    if model is None:
        return None
    text: Any = config.get_text_config()
    last, hidden, heads = model.get_output_embeddings(), text.hidden_size, text.num_attention_heads
    linear = [m for m in model.modules() if isinstance(m, torch.nn.Linear) and m is not last]
    return ModelShape(
        model.num_parameters(),
        text.num_hidden_layers,
        hidden,
        getattr(text, "intermediate_size", None) or 4 * hidden,
        heads,
        getattr(text, "num_key_value_heads", None) or heads,
        getattr(text, "head_dim", None) or hidden // heads,
        text.vocab_size,
        sum(m.in_features + m.out_features for m in linear),
    )
