"""Converts a GGUF file to an ordinary transformers folder."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path
from typing import Any, cast

from slmr.errors import RequestError, reading

# Values of `tokenizer.ggml.pre`: the first group splits off each digit and then splits as GPT-2 does, the second
# splits as GPT-2 does.
_DIGITS_ALONE = {"smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b"}
_AS_GPT2 = {"gpt-2", "mpt", "olmo", "jais", "trillion", "granite-docling"}


def dequantise(file: Path, target: Path) -> str:
    """Writes a GGUF file's model as a transformers folder; returns a description of the conversion.

    Raises:
        RequestError: the file is damaged, or lacks tensors of the model.
    """
    from gguf import GGUFReader
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    with reading("the file is damaged or cut short"):
        reader = GGUFReader(file)
    ((stored, _),) = Counter(tensor.tensor_type.name for tensor in reader.tensors).most_common(1)
    dtype = {"F16": "float16", "BF16": "bfloat16"}.get(stored, "float32")
    # In an empty folder, because transformers would also read other files beside the GGUF file.
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "model.gguf").symlink_to(file.resolve())
        source: dict[str, Any] = {"gguf_file": "model.gguf", "trust_remote_code": False}
        source["config"] = AutoConfig.from_pretrained(folder, **source)
        tokenizer: Any = AutoTokenizer.from_pretrained(folder, **source)
        source |= {"dtype": dtype, "output_loading_info": True}
        model, loaded = cast(Any, AutoModelForCausalLM.from_pretrained(folder, **source))
    if missing := sorted(loaded["missing_keys"]):  # transformers fills them with random numbers
        raise RequestError(f"it lacks {len(missing)} of the model's tensors, such as {missing[0]}")
    caveat = _set_pre_tokenizer(tokenizer.backend_tokenizer, reader.get_field("tokenizer.ggml.pre"))
    # Otherwise transformers takes the model for a quantised one, which it cannot save.
    model.hf_quantizer = None
    vars(model.config).pop("quantization_config", None)
    model.save_pretrained(target)
    tokenizer.save_pretrained(target)
    return f"GGUF {stored}, dequantised to {dtype}{caveat}"


def _set_pre_tokenizer(tokenizer: Any, field: Any) -> str:
    """Sets the pre-tokenizer that the file names where transformers ignores it; returns a caveat if it is unknown."""
    from tokenizers import pre_tokenizers

    gpt2 = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    if field is None or (rule := field.contents()) in _AS_GPT2 or str(tokenizer.pre_tokenizer) != str(gpt2):
        return ""
    if rule not in _DIGITS_ALONE:
        return f"; text is cut as for GPT-2, not as '{rule}'"
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), gpt2])
    return ""
