"""ReLIFT (2506.07527): GRPO interleaved with SFT on the questions that all rollouts get wrong.

These wait in a buffer with the teacher's trace; when the buffer is full, it is used for one SFT update.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pydantic import Field

from slmr.config import TrainingSettings
from slmr.engines.scoring import IGNORED, next_token_nll, padded, padded_with_mask
from slmr.errors import RequestError
from slmr.stage import StageContext, stage
from slmr.training import parallel
from slmr.training.group_reward import GroupReward
from slmr.training.grpo import GUIDED_INPUTS, GrpoParams, train_policy
from slmr.training.sft import Example, labels_of, tokenize, trace_rows

if TYPE_CHECKING:
    import torch
    from transformers import TrainerCallback


class ReliftParams(GrpoParams):
    """As GRPO.

    Attributes:
        buffer: batch size of an SFT update.
        sft_learning_rate: learning rate of the SFT updates; None for that of RL.
        max_length: maximal tokens of prompt and trace.
    """

    buffer: int = Field(default=16, ge=1)
    sft_learning_rate: float | None = Field(default=None, gt=0)
    max_length: int = Field(default=512, ge=8)

    def fits(self, training: TrainingSettings) -> None:
        super().fits(training)
        training.must_not_shard("relift")


@stage("relift", ReliftParams, GUIDED_INPUTS, random=True, trains=True, samples=True, version=3)
def relift_stage(context: StageContext, params: ReliftParams) -> None:
    """Writes `model/` and the files of `grpo`."""
    traces = trace_rows(context)

    def callback(tokenizer: Any, reward: GroupReward) -> Any:
        rows = [(t["problem_id"], tokenize(tokenizer, [t], params.max_length)) for t in traces]
        examples = {name: row[0] for name, row in rows if row}
        if not examples:
            raise RequestError(f"stage relift: no trace of at most {params.max_length} tokens: raise max_length")
        rate = params.sft_learning_rate
        return interleaved_sft(examples, reward, params.buffer, tokenizer.pad_token_id, rate)

    interleaved = train_policy(context, params, callback=callback)
    context.stats |= {"sft_updates": interleaved.updates, "sft_tokens": interleaved.trained}


def interleaved_sft(
    examples: Mapping[str, Example], reward: GroupReward, buffer: int, pad: int, rate: float | None = None
) -> TrainerCallback:
    """The callback that fills the buffer and makes the updates with the trainer's optimizer, at rate `rate`."""
    import torch
    from transformers import TrainerCallback

    class InterleavedSft(TrainerCallback):
        """`waiting`: distinct ids of problems in the buffer; `updates` and `trained` count updates and tokens."""

        def __init__(self) -> None:
            self.waiting: list[str] = []
            self.updates = self.trained = 0

        def on_step_end(
            self, args: Any, state: Any, control: Any, model: Any = None, optimizer: Any = None, **_: object
        ) -> None:
            # Every process makes the same update on the whole buffer, so that their weights stay equal.
            unsolved = [name for of_process in parallel.gathered(reward.unsolved) for name in of_process]
            new = dict.fromkeys(name for name in unsolved if name in examples)
            self.waiting += [name for name in new if name not in self.waiting]
            reward.unsolved = []
            while len(self.waiting) >= buffer:
                batch = [examples[name] for name in self.waiting[:buffer]]
                self.waiting = self.waiting[buffer:]
                mean_nll(model, batch, pad).backward()
                parallel.average_gradients(model)
                torch.nn.utils.clip_grad_norm_(model.parameters(), args.max_grad_norm)
                with at_rate(optimizer, rate):
                    optimizer.step()
                optimizer.zero_grad()
                self.updates += 1
                self.trained += sum(len(row["input_ids"]) for row in batch)

        def state(self) -> dict[str, Any]:
            return {"waiting": self.waiting, "updates": self.updates, "trained": self.trained}

        def restore(self, state: dict[str, Any]) -> None:
            self.waiting, self.updates, self.trained = state["waiting"], state["updates"], state["trained"]

    return InterleavedSft()


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
