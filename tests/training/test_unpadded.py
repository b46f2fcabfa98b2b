"""GRPO's passes in parts: what TRL's one pass over all rows gives, at less."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from trl import GRPOTrainer

from slmr.training.unpadded import UnpaddedTrainer, microbatches, without_gradient
from tests.training.toy import real_trainer

SIZES = st.lists(st.tuples(st.integers(1, 9), st.integers(0, 9)), min_size=1, max_size=40)


def batch(sizes: list[tuple[int, int]]) -> dict[str, torch.Tensor]:
    """Prompts padded at the left, completions at the right."""
    rng = torch.Generator().manual_seed(0)
    most = [max(size[i] for size in sizes) for i in (0, 1)]
    place = [torch.arange(width) for width in most]
    prompts = torch.stack([place[0] >= most[0] - prompt for prompt, _ in sizes]).long()
    completions = torch.stack([place[1] < completion for _, completion in sizes]).long()
    ids = [torch.randint(5, 200, (len(sizes), width), generator=rng) for width in most]
    return {
        "prompt_ids": ids[0] * prompts,
        "prompt_mask": prompts,
        "completion_ids": ids[1] * completions,
        "completion_mask": completions,
    }


@given(SIZES, st.integers(0, 2**40))
def test_every_row_is_in_one_part_with_all_its_tokens(sizes: list[tuple[int, int]], which: int) -> None:
    silent = torch.tensor([bool(which >> i & 1) for i in range(len(sizes))])
    of = batch([(prompt, max(completion, 1)) for prompt, completion in sizes])
    mask = torch.cat([of["prompt_mask"], of["completion_mask"]], dim=1)
    scored = of["completion_mask"].shape[1]
    found = list(microbatches(mask, scored, silent))
    assert sorted(row for part in found for row in part.rows.tolist()) == list(range(len(sizes)))
    for part in found:
        assert (silent[part.rows] != part.graph).all()
        assert mask[part.rows, part.start : part.stop].sum() == mask[part.rows].sum()
        assert mask.shape[1] - scored < part.stop <= mask.shape[1]


def loss_and_gradients(trainer: Any, inputs: dict[str, torch.Tensor]) -> tuple[float, dict[str, Any]]:
    trainer.model.zero_grad()
    loss = trainer._compute_loss(trainer.model, inputs)
    loss.backward()
    gradients = {name: p.grad.clone() for name, p in trainer.model.named_parameters() if p.grad is not None}
    return loss.item(), gradients


@pytest.mark.parametrize("changes", [{}, {"loss": "dapo"}, {"beta": 0.1}])
def test_loss_gradients_and_figures_are_those_of_one_pass(
    changes: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Advantages of all kinds, two groups without one, a completion that was cut off and is masked."""
    sizes = [(3, 4), (3, 9), (7, 2), (7, 1), (5, 6), (5, 6), (2, 8), (2, 3), (9, 5), (9, 7), (4, 4), (4, 10)]
    inputs = batch(sizes)
    inputs["completion_mask"][5] = 0
    inputs |= {
        "advantages": torch.tensor([1.0, -1, 0, 0, 1, -1, -0.5, 0.5, 0, 0, 2, -2]),
        "num_items_in_batch": inputs["completion_mask"].sum(),
        "ref_per_token_logps": torch.full(inputs["completion_ids"].shape, -9.0),
    }
    trainer = real_trainer(tmp_path, **changes)
    lean = loss_and_gradients(trainer, inputs)
    entropy = trainer._metrics["train"]["entropy"].pop()
    monkeypatch.delattr(UnpaddedTrainer, "_get_per_token_logps_and_entropies")
    stock = loss_and_gradients(trainer, inputs)
    assert lean[0] == pytest.approx(stock[0], rel=1e-5, abs=1e-6)
    assert entropy == pytest.approx(trainer._metrics["train"]["entropy"].pop(), rel=1e-5)
    assert lean[1].keys() == stock[1].keys() and any(g.abs().max() > 1e-3 for g in stock[1].values())
    for name, gradient in stock[1].items():
        rounding = 1e-4 * float(gradient.abs().max())
        assert torch.allclose(lean[1][name], gradient, rtol=1e-3, atol=max(1e-5, rounding)), name


def test_what_has_no_gradient_goes_without_a_graph_unless_a_kl_term_gives_it_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passed: list[tuple[int, bool]] = []

    def counted(_: Any, model: Any, ids: torch.Tensor, mask: torch.Tensor, keep: int, **__: Any) -> Any:
        passed.append((ids.numel(), torch.is_grad_enabled()))
        return original(trainer, model, ids, mask, keep, **__)

    original = GRPOTrainer._get_per_token_logps_and_entropies
    monkeypatch.setattr(GRPOTrainer, "_get_per_token_logps_and_entropies", counted)
    inputs = batch([(2, 3)] * 7 + [(9, 9)])
    inputs |= {"advantages": torch.tensor([1.0, -1] + 6 * [0.0]), "num_items_in_batch": torch.tensor(30)}
    inputs["ref_per_token_logps"] = torch.zeros(8, 9)
    trainer = real_trainer(tmp_path)
    trainer._compute_loss(trainer.model, inputs).backward()
    assert passed == [(2 * 5, True), (3 * 5, False), (3 * 18, False)]
    passed.clear()
    trainer = real_trainer(tmp_path, beta=0.1)
    trainer._compute_loss(trainer.model, inputs)
    assert passed == [(4 * 5, True), (4 * 18, True)]


def test_a_step_in_which_nothing_has_an_advantage_still_has_a_loss(tmp_path: Path) -> None:
    inputs = batch([(2, 3), (4, 2), (3, 5)])
    inputs |= {"advantages": torch.zeros(3), "num_items_in_batch": torch.tensor(10)}
    assert without_gradient(inputs).tolist() == [True, False, True]
    loss, gradients = loss_and_gradients(real_trainer(tmp_path), inputs)
    assert loss == 0 and all(g.abs().max() == 0 for g in gradients.values())
