"""The sizes of a model, from its configuration alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from slmr.config import LoraSettings
from slmr.io import read_json


@dataclass(frozen=True)
class ModelShape:
    """A decoder of the Llama kind, Qwen2's included: gated MLP, grouped keys and values.

    `bias` says that queries, keys and values have one; `tied` that reading and writing share a table of tokens.
    """

    layers: int
    hidden: int
    intermediate: int
    heads: int
    kv_heads: int
    head_width: int
    vocabulary: int
    tied: bool = True
    bias: bool = False

    @property
    def parameters(self) -> int:
        """How many weights it has."""
        queries, keys = self.heads * self.head_width, self.kv_heads * self.head_width
        attention = 2 * self.hidden * queries + 2 * self.hidden * keys
        biases = queries + 2 * keys if self.bias else 0
        layer = attention + biases + 3 * self.hidden * self.intermediate + 2 * self.hidden
        tables = self.vocabulary * self.hidden * (1 if self.tied else 2)
        return self.layers * layer + self.hidden + tables

    @property
    def cached(self) -> int:
        """Numbers that a token leaves in the cache of keys and values."""
        return 2 * self.layers * self.kv_heads * self.head_width

    def adapters(self, lora: LoraSettings) -> int:
        """Weights of adapters on all linear layers; with fewer targets there are fewer."""
        queries, keys = self.heads * self.head_width, self.kv_heads * self.head_width
        sides = 2 * (self.hidden + queries) + 2 * (self.hidden + keys) + 3 * (self.hidden + self.intermediate)
        return self.layers * lora.rank * sides


# Of the hub's config.json, so that a plan needs no download.
KNOWN = {
    "Qwen/Qwen2.5-0.5B-Instruct": ModelShape(24, 896, 4864, 14, 2, 64, 151_936, bias=True),
    "meta-llama/Llama-3.2-1B-Instruct": ModelShape(16, 2048, 8192, 32, 8, 64, 128_256),
}


def shape_of(model: Path | str) -> ModelShape | None:
    """Of a model folder or a known hub id; None where nothing tells."""
    if isinstance(model, str) and model in KNOWN:
        return KNOWN[model]
    file = Path(model) / "config.json"
    if not file.is_file():
        return None
    return from_config(read_json(file))


def from_config(config: dict[str, Any]) -> ModelShape | None:
    """Of a config.json's content; None for another kind of model."""
    names = ("num_hidden_layers", "hidden_size", "intermediate_size", "num_attention_heads", "vocab_size")
    if any(name not in config for name in names):
        return None
    layers, hidden, intermediate, heads, vocabulary = (int(config[name]) for name in names)
    return ModelShape(
        layers, hidden, intermediate, heads, int(config.get("num_key_value_heads") or heads),
        int(config.get("head_dim") or hidden // heads), vocabulary, bool(config.get("tie_word_embeddings", False)),
        config.get("model_type") == "qwen2",
    )  # fmt: skip
