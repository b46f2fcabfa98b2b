"""Small models, adapters and GGUF files, made for the tests."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from slmr.engines.models import resolve_model
from slmr.errors import RequestError
from slmr.lab import model_path

LAB = model_path("lab-llama")


TEXT = "Tom has 12 apples.\n\n7 + 3 = 10"


def make_tiny(folder: Path, **changes: int) -> Path:
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    sizes = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4}
    torch.manual_seed(0)
    config = LlamaConfig(
        **sizes | {"num_key_value_heads": 2} | changes,
        vocab_size=1024,
        max_position_embeddings=128,
        pad_token_id=0,
        bos_token_id=None,
        eos_token_id=1,
        tie_word_embeddings=False,
        initializer_range=0.3,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    AutoTokenizer.from_pretrained(LAB).save_pretrained(folder)
    return folder


def make_lora(base: Path, folder: Path, rank: int = 4) -> Path:
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(1)
    config = LoraConfig(r=rank, target_modules=["q_proj", "down_proj"], task_type="CAUSAL_LM", init_lora_weights=False)
    get_peft_model(AutoModelForCausalLM.from_pretrained(base), config).save_pretrained(folder)
    return folder


NAMES = {
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
    "lm_head": "output",
    "model.layers": "blk",
    "self_attn.o_proj": "attn_output",
    "self_attn": "attn",
    "_proj": "",
    "mlp": "ffn",
    "attn.": "attn_",
    "ffn.": "ffn_",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}


def add_tokenizer(writer: Any, source: Path, size: int, pre: str) -> None:
    from transformers import AutoTokenizer

    loaded: Any = AutoTokenizer.from_pretrained(source)
    core = json.loads(loaded.backend_tokenizer.to_str())
    tokens = loaded.convert_ids_to_tokens(range(len(loaded)))
    tokens += [f"<unused{i}>" for i in range(size - len(loaded))]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(tokens)
    writer.add_token_types([3 if i < 2 else 1 for i in range(len(tokens))])
    writer.add_token_merges([" ".join(pair) for pair in core["model"]["merges"]])
    writer.add_eos_token_id(1)
    writer.add_pad_token_id(0)
    writer.add_chat_template(loaded.chat_template)


def make_gguf(
    source: Path,
    file: Path,
    kind: str = "F32",
    pre: str = "qwen2",
    architecture: str = "llama",
    tokenizer: bool = True,
    left_out: str = "nothing",
) -> Path:
    """The model as llama.cpp's converter writes it."""
    import gguf
    from gguf.quants import quantize
    from transformers import AutoConfig, AutoModelForCausalLM

    config = AutoConfig.from_pretrained(source)
    writer = gguf.GGUFWriter(file, architecture)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(10000.0)
    writer.add_vocab_size(config.vocab_size)
    writer.add_name("tiny")
    if tokenizer:
        add_tokenizer(writer, source, config.vocab_size, pre)
    for name, weight in AutoModelForCausalLM.from_pretrained(source).state_dict().items():
        heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}
        array = weight.numpy()
        for part, count in heads.items():
            if part in name:  # llama.cpp turns pairs of halves into pairs of neighbours
                array = array.reshape(count, 2, -1, array.shape[1]).swapaxes(1, 2).reshape(array.shape)
        for ours, theirs in NAMES.items():
            name = name.replace(ours, theirs)
        stored = gguf.GGMLQuantizationType[kind if array.ndim > 1 else "F32"]
        if left_out not in name:
            writer.add_tensor(name, quantize(array, stored), raw_dtype=stored)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


def logits(folder: Path | str) -> Any:
    import torch

    from slmr.engines.transformers import load_model

    with torch.inference_mode():
        return load_model(Path(folder), "cpu")(torch.arange(20)[None] + 300).logits


def ids(folder: Path | str, text: str = TEXT) -> list[int]:
    from slmr.engines.transformers import load_tokenizer

    return list(load_tokenizer(Path(folder))(text)["input_ids"])  # type: ignore[arg-type]


def said(name: str | Path) -> str:
    """The one line with which a name is refused."""
    with pytest.raises(RequestError) as caught:
        resolve_model(str(name))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def copy(source: Path, target: Path) -> Path:
    return shutil.copytree(source, target)


def edit(file: Path, **changes: object) -> None:
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))
