"""The SFT updates between the RL steps of ReLIFT."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from transformers import TrainerCallback

from slmr.engines.scoring import IGNORED, next_token_nll, padded, padded_with_mask
from slmr.training import parallel
from slmr.training.group_reward import GroupReward
from slmr.training.sft import Example, labels_of


class InterleavedSft(TrainerCallback):
    """Fills the buffer after each step, and makes the SFT updates with the trainer's optimizer.

    Attributes:
        waiting: the distinct ids of problems in the buffer.
        updates, trained: counts of updates and of tokens trained on.
    """

    def __init__(
        self, examples: Mapping[str, Example], reward: GroupReward, buffer: int, pad: int, rate: float | None = None
    ) -> None:
        """`rate` is the learning rate of the SFT updates; None for that of RL."""
        self._examples, self._reward, self._buffer, self._pad, self._rate = examples, reward, buffer, pad, rate
        self.waiting: list[str] = []
        self.updates = self.trained = 0

    def on_step_end(
        self, args: Any, state: Any, control: Any, model: Any = None, optimizer: Any = None, **_: object
    ) -> None:
        # Every process makes the same update on the whole buffer, so that their weights stay equal.
        unsolved = [name for of_process in parallel.all_gather(self._reward.unsolved) for name in of_process]
        new = dict.fromkeys(name for name in unsolved if name in self._examples)
        self.waiting += [name for name in new if name not in self.waiting]
        self._reward.unsolved = []
        while len(self.waiting) >= self._buffer:
            batch = [self._examples[name] for name in self.waiting[: self._buffer]]
            self.waiting = self.waiting[self._buffer :]
            mean_nll(model, batch, self._pad).backward()
            parallel.average_gradients(model)
            torch.nn.utils.clip_grad_norm_(model.parameters(), args.max_grad_norm)
            with at_rate(optimizer, self._rate):
                optimizer.step()
            optimizer.zero_grad()
            self.updates += 1
            self.trained += sum(len(row["input_ids"]) for row in batch)

    def state(self) -> dict[str, Any]:
        return {"waiting": self.waiting, "updates": self.updates, "trained": self.trained}

    def restore(self, state: dict[str, Any]) -> None:
        self.waiting, self.updates, self.trained = state["waiting"], state["updates"], state["trained"]


@contextmanager
def at_rate(optimizer: Any, rate: float | None) -> Iterator[None]:
    """Sets the optimizer's learning rate inside the context; None leaves it unchanged."""
    original = [group["lr"] for group in optimizer.param_groups]
    for group in optimizer.param_groups if rate is not None else ():
        group["lr"] = rate
    yield
    for group, value in zip(optimizer.param_groups, original, strict=True):
        group["lr"] = value


def mean_nll(model: Any, rows: Sequence[Example], pad: int) -> torch.Tensor:
    """Mean negative log-likelihood of the completions' tokens, in nats; a scalar with its gradient."""
    ids, mask = padded_with_mask([row["input_ids"] for row in rows], pad)
    labels = padded([labels_of(row) for row in rows], IGNORED)
    device = model.device
    return next_token_nll(model, ids.to(device), labels.to(device), mask.to(device), "mean")
