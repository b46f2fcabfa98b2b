"""The SFT updates of ReLIFT: the buffer, the learning rate, and the loss."""

from __future__ import annotations

import math
from types import SimpleNamespace

import torch

from slmr.engines.transformers import load_model, load_tokenizer
from slmr.lab import model_path
from slmr.training.group_reward import GroupReward
from slmr.training.interleaved_sft import InterleavedSft, mean_nll
from slmr.training.sft import tokenize

TOKENIZER = load_tokenizer(model_path("lab-llama"))


def example(prompt: str, completion: str) -> dict[str, list[int]]:
    return tokenize(TOKENIZER, [{"prompt": prompt, "prefix": "", "completion": completion}], 99)[0]


def test_the_buffer_trains_once_it_is_full() -> None:
    model = load_model(model_path("lab-llama"))
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    examples = {name: example(f"{name} + 1?", "#### 1") for name in ("1", "2", "3")}
    reward = GroupReward(2)
    part = InterleavedSft(examples, reward, 2, TOKENIZER.pad_token_id)  # type: ignore[arg-type]
    state, args = SimpleNamespace(global_step=1), SimpleNamespace(max_grad_norm=1.0)
    rows = [example("1 + 1?", "#### 1"), example("2 + 1?", "#### 1")]
    before = float(mean_nll(model, rows, 0))

    def step(*unsolved: str) -> None:
        reward.unsolved = list(unsolved)
        part.on_step_end(args, state, None, model=model, optimizer=optimizer)

    step("1", "1", "x")  # no trace for x, and no problem twice
    assert (part.waiting, part.updates) == (["1"], 0)
    assert float(mean_nll(model, rows, 0)) == before
    step("2", "3")
    assert (part.waiting, part.updates) == (["3"], 1)
    assert part.trained == sum(len(row["input_ids"]) for row in rows)
    assert float(mean_nll(model, rows, 0)) < before
    assert all(p.grad is None or not p.grad.any() for p in model.parameters())
    again = InterleavedSft(examples, reward, 2, 0)
    again.restore(part.state())
    assert again.state() == part.state()


def test_sft_has_a_learning_rate_of_its_own() -> None:
    rows = {"1": example("1 + 1?", "#### 1")}
    moved = {}
    for rate in (None, 0.5, 2.0):
        model = load_model(model_path("lab-llama"))
        before = [p.detach().clone() for p in model.parameters()]
        optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
        reward = GroupReward(2)
        part = InterleavedSft(rows, reward, 1, TOKENIZER.pad_token_id, rate)  # type: ignore[arg-type]
        reward.unsolved = ["1"]
        part.on_step_end(SimpleNamespace(max_grad_norm=1.0), None, None, model=model, optimizer=optimizer)
        moved[rate] = sum(float((p - q).norm() ** 2) for p, q in zip(model.parameters(), before, strict=True)) ** 0.5
        assert optimizer.param_groups[0]["lr"] == 1.0, "RL goes on at its own"
    assert math.isclose(moved[0.5], moved[None] / 2, rel_tol=1e-3)
    assert math.isclose(moved[2.0], moved[None] * 2, rel_tol=1e-3)


def test_the_interleaved_loss_is_that_of_the_completions_alone() -> None:
    model = load_model(model_path("lab-llama")).eval()
    rows = [example("1 + 1?", "#### 2"), example("3 + 4 is what?", "The sum is 7 .\n#### 7")]
    with torch.no_grad():
        total, count = 0.0, 0
        for row in rows:  # one by one, without padding
            ids = torch.tensor([row["input_ids"]])
            logps = model(input_ids=ids).logits[0, :-1].log_softmax(-1)
            wanted = [i for i, m in enumerate(row["completion_mask"]) if m]
            total -= sum(float(logps[i - 1, row["input_ids"][i]]) for i in wanted)
            count += len(wanted)
        assert math.isclose(float(mean_nll(model, rows, 0)), total / count, rel_tol=1e-5)
