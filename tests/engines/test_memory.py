"""How many completions fit side by side, by the size of a model and of the memory."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from slmr.engines import memory


def model(parameters: int = 1_000, device: str = "cpu", **config: Any) -> Any:
    text = {"num_hidden_layers": 2, "num_attention_heads": 4, "hidden_size": 32, **config}
    return SimpleNamespace(
        device=torch.device(device),
        dtype=torch.float32,
        num_parameters=lambda: parameters,
        config=SimpleNamespace(get_text_config=lambda: SimpleNamespace(**text)),
    )


def test_bytes_of_a_token_in_the_cache() -> None:
    """Keys and values x layers x heads x width x 4 bytes; grouped heads share theirs."""
    assert memory.cache_bytes(model()) == 2 * 2 * 4 * 8 * 4
    assert memory.cache_bytes(model(num_key_value_heads=2)) == 2 * 2 * 2 * 8 * 4
    assert memory.cache_bytes(model(head_dim=16)) == 2 * 2 * 4 * 16 * 4


def test_what_is_asked_for_is_given() -> None:
    assert memory.batch_size(model(), 7) == 7


@given(st.integers(0, 2**36))
def test_auto_is_a_power_of_two_that_fits_in_its_share(total: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(memory, "_total_bytes", lambda _: total)
        size = memory.batch_size(model(), "auto")
    assert 1 <= size <= 256 and size & (size - 1) == 0
    assert size == 1 or size * 1024 * memory.cache_bytes(model()) <= memory.SHARE * total


def test_a_larger_model_on_a_cpu_takes_fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_total_bytes", lambda _: 2**40)
    sizes = [memory.batch_size(m, "auto") for m in (model(), model(10**9), model(10**9, "cuda"))]
    assert sizes == [256, 32, 256]


def test_what_counts_as_out_of_memory() -> None:
    assert memory.exhausted(torch.OutOfMemoryError("full"))
    assert memory.exhausted(RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate"))
    assert not memory.exhausted(RuntimeError("shapes do not fit"))
