"""Padding and negative log-likelihoods, against one row at a time and by hand."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from slmr.engines.scoring import IGNORED, completion_nlls, next_token_nll, padded, padded_with_mask
from slmr.engines.transformers import load_model
from slmr.lab import model_path


@given(st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=7), min_size=1, max_size=5), st.integers(0, 9))
def test_padding_stands_behind(rows: list[list[int]], width: int) -> None:
    ids, mask = padded_with_mask(rows, 0)
    assert ids.shape == mask.shape == (len(rows), max(map(len, rows)))
    assert padded(rows, 0, width).shape[1] == max(width, *map(len, rows))
    for row, line, marks in zip(rows, ids.tolist(), mask.tolist(), strict=True):
        behind = len(line) - len(row)
        assert line == row + [0] * behind and marks == [1] * len(row) + [0] * behind


class Fixed:
    """A model that always gives token 0 probability 1/2 and tokens 1 and 2 a quarter each."""

    device = "cpu"

    def __call__(self, input_ids: torch.Tensor, attention_mask: Any = None) -> SimpleNamespace:
        return SimpleNamespace(logits=torch.log(torch.tensor([0.5, 0.25, 0.25])).expand(*input_ids.shape, 3))


def test_by_hand() -> None:
    ids = torch.tensor([[0, 0, 1], [2, 1, 0]])
    two, four = math.log(2), math.log(4)
    assert next_token_nll(Fixed(), ids, ids).flatten().tolist() == pytest.approx([two, four, four, two])
    labels = torch.tensor([[IGNORED, 0, 1], [IGNORED, IGNORED, 0]])
    assert next_token_nll(Fixed(), ids, labels).tolist()[1][0] == 0
    assert float(next_token_nll(Fixed(), ids, labels, reduction="mean")) == pytest.approx((2 * two + four) / 3)
    one, other = completion_nlls(Fixed(), [((0, 0), (1,)), ((2,), (1, 0))])
    assert one.tolist() == pytest.approx([four]) and other.tolist() == pytest.approx([four, two])


def test_what_shares_the_batch_changes_nothing_but_rounding() -> None:
    model = load_model(model_path("lab-llama")).eval()
    pairs = [((5, 6, 7), (8, 9)), ((5,), (6, 7, 8, 9, 10)), ((11, 12), (13,))]
    together = completion_nlls(model, pairs)
    for pair, nll in zip(pairs, together, strict=True):
        (alone,) = completion_nlls(model, [pair])
        assert nll.shape == (len(pair[1]),) and torch.allclose(nll, alone, atol=1e-5)
        assert torch.allclose(completion_nlls(model, [pair], width=20)[0], alone, atol=1e-5)
        assert not nll.requires_grad
