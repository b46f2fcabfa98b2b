"""A GGUF file as an ordinary transformers folder."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path
from typing import Any, cast

from slmr.errors import RequestError, reading

# `tokenizer.ggml.pre`: these cut off each digit, then cut as GPT-2 does; those cut as GPT-2 alone.
_DIGITS_ALONE = {"smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b"}
_AS_GPT2 = {"gpt-2", "mpt", "olmo", "jais", "trillion", "granite-docling"}


def dequantise(file: Path, target: Path) -> str:
    """Writes a GGUF file's model as a transformers folder; returns what was done.

    Raises:
        RequestError: the file is damaged, or lacks tensors of the model.
    """
    from gguf import GGUFReader
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    with reading("the file is damaged or cut short"):
        reader = GGUFReader(file)
    ((stored, _),) = Counter(tensor.tensor_type.name for tensor in reader.tensors).most_common(1)
    dtype = {"F16": "float16", "BF16": "bfloat16"}.get(stored, "float32")
    with tempfile.TemporaryDirectory() as alone:  # transformers would also read what lies beside the file
        Path(alone, "model.gguf").symlink_to(file.resolve())
        source: dict[str, Any] = {"gguf_file": "model.gguf", "trust_remote_code": False}
        source["config"] = AutoConfig.from_pretrained(alone, **source)
        tokenizer: Any = AutoTokenizer.from_pretrained(alone, **source)
        source |= {"dtype": dtype, "output_loading_info": True}
        model, loaded = cast(Any, AutoModelForCausalLM.from_pretrained(alone, **source))
    if missing := sorted(loaded["missing_keys"]):  # transformers fills them with random numbers
        raise RequestError(f"it lacks {len(missing)} of the model's tensors, such as {missing[0]}")
    doubt = _cut_text(tokenizer.backend_tokenizer, reader.get_field("tokenizer.ggml.pre"))
    # Left as it is, transformers takes the model for a quantised one, which it cannot save.
    model.hf_quantizer = None
    vars(model.config).pop("quantization_config", None)
    model.save_pretrained(target)
    tokenizer.save_pretrained(target)
    return f"GGUF {stored}, dequantised to {dtype}{doubt}"


def _cut_text(tokenizer: Any, field: Any) -> str:
    """Has text cut into words as the file says, where transformers does not; returns what stays amiss."""
    from tokenizers import pre_tokenizers

    gpt2 = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    if field is None or (rule := field.contents()) in _AS_GPT2 or str(tokenizer.pre_tokenizer) != str(gpt2):
        return ""
    if rule not in _DIGITS_ALONE:
        return f"; text is cut as for GPT-2, not as '{rule}'"
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), gpt2])
    return ""
