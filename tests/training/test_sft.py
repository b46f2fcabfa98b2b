"""What the SFT stage learns from: which tokens carry loss."""

from __future__ import annotations

from slmr.engines.transformers import load_tokenizer
from slmr.lab import model_path
from slmr.training.sft import tokenize


def trace(prefix: str, completion: str) -> dict[str, str]:
    return {"prompt": "Gus has 3 coins.\nSolution:\n", "prefix": prefix, "completion": completion}


def test_loss_is_on_the_completion_and_the_end_mark_alone() -> None:
    tokenizer = load_tokenizer(model_path("lab-llama"))
    (row,) = tokenize(tokenizer, [trace("", "3 + 1 = 4. #### 4")], 512)
    learnt = [t for t, m in zip(row["input_ids"], row["completion_mask"], strict=True) if m]
    assert tokenizer.decode(learnt) == "3 + 1 = 4. #### 4<eos>"


def test_a_repairs_prefix_is_read_but_not_learnt() -> None:
    tokenizer = load_tokenizer(model_path("lab-llama"))
    (row,) = tokenize(tokenizer, [trace("3 + 1 = 4. ", "4 * 2 = 8. #### 8")], 512)
    learnt = [t for t, m in zip(row["input_ids"], row["completion_mask"], strict=True) if m]
    assert tokenizer.decode(learnt) == "4 * 2 = 8. #### 8<eos>"
    assert "3 + 1 = 4. 4 * 2" in tokenizer.decode(row["input_ids"])


def test_a_trace_that_is_too_long_is_left_out_whole() -> None:
    tokenizer = load_tokenizer(model_path("lab-llama"))
    assert tokenize(tokenizer, [trace("", "3 + 1 = 4. " * 100)], 128) == []
