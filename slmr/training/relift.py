"""ReLIFT (2506.07527): GRPO, interleaved with SFT on the questions that all rollouts get wrong.

They wait in a buffer with the teacher's trace; once that is full, the weights are updated once on it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import Field

from slmr.config import TrainingSettings
from slmr.errors import RequestError
from slmr.stage import StageContext, stage
from slmr.training import parallel
from slmr.training.grpo import GrpoParams, train_policy
from slmr.training.rollouts import GroupReward
from slmr.training.sft import tokenize, trace_rows

if TYPE_CHECKING:
    from transformers import TrainerCallback

Example = dict[str, list[int]]


class ReliftParams(GrpoParams):
    """As GRPO; `buffer` is the batch of an SFT update, `max_length` of prompt and trace in tokens."""

    buffer: int = Field(default=16, ge=1)
    max_length: int = Field(default=512, ge=8)

    def fits(self, training: TrainingSettings) -> None:
        super().fits(training)
        training.must_not_shard("relift")


@stage(
    "relift", ReliftParams, {"model": "one", "problems": "one", "traces": "many", "validation": "optional"},
    random=True, trains=True, samples=True, version=2,
)  # fmt: skip
def relift_stage(context: StageContext, params: ReliftParams) -> None:
    """Writes `model/` and what `grpo` writes."""
    traces = trace_rows(context)

    def part(tokenizer: Any, reward: GroupReward) -> Any:
        rows = [(t["problem_id"], tokenize(tokenizer, [t], params.max_length)) for t in traces]
        examples = {name: row[0] for name, row in rows if row}
        if not examples:
            raise RequestError(
                f"stage relift: no trace of at most {params.max_length} tokens: raise max_length"
            )
        return interleaved_sft(examples, reward, params.buffer, tokenizer.pad_token_id)

    done: Any = train_policy(context, params, part=part)
    context.stats |= {"sft_updates": done.updates, "sft_tokens": done.trained}


def interleaved_sft(
    examples: Mapping[str, Example], reward: GroupReward, buffer: int, pad: int
) -> TrainerCallback:
    """The callback that fills the buffer and takes the updates, with the trainer's optimizer at its learning rate."""
    import torch
    from transformers import TrainerCallback

    class InterleavedSft(TrainerCallback):
        """`waiting` are the ids of problems, each once; `updates` and `trained` tokens count what was done."""

        def __init__(self) -> None:
            self.waiting: list[str] = []
            self.updates = self.trained = 0

        def on_step_end(
            self, args: Any, state: Any, control: Any, model: Any = None, optimizer: Any = None, **_: object
        ) -> None:
            # Every process takes the same update on the whole buffer, so that their weights stay the same.
            unsolved = [name for found in parallel.gathered(reward.unsolved) for name in found]
            new = dict.fromkeys(name for name in unsolved if name in examples)
            self.waiting += [name for name in new if name not in self.waiting]
            reward.unsolved = []
            while len(self.waiting) >= buffer:
                batch = [examples[name] for name in self.waiting[:buffer]]
                self.waiting = self.waiting[buffer:]
                mean_nll(model, batch, pad).backward()
                parallel.average_gradients(model)
                torch.nn.utils.clip_grad_norm_(model.parameters(), args.max_grad_norm)
                optimizer.step()
                optimizer.zero_grad()
                self.updates += 1
                self.trained += sum(len(row["input_ids"]) for row in batch)

        def state(self) -> dict[str, Any]:
            return {"waiting": self.waiting, "updates": self.updates, "trained": self.trained}

        def restore(self, state: dict[str, Any]) -> None:
            self.waiting, self.updates, self.trained = state["waiting"], state["updates"], state["trained"]

    return InterleavedSft()


def mean_nll(model: Any, rows: list[Example], pad: int) -> Any:
    """Mean negative log-likelihood of the completions' tokens, in nats; a scalar with its gradient."""
    import torch

    width = max(len(row["input_ids"]) for row in rows)
    ids = torch.full((len(rows), width), pad, device=model.device)
    labels = torch.full_like(ids, -100)
    mask = torch.zeros_like(ids)
    for i, row in enumerate(rows):
        count = len(row["input_ids"])
        ids[i, :count] = torch.tensor(row["input_ids"], device=model.device)
        mask[i, :count] = 1
        marked = [t if m else -100 for t, m in zip(row["input_ids"], row["completion_mask"], strict=True)]
        labels[i, :count] = torch.tensor(marked, device=model.device)
    logits = model(input_ids=ids, attention_mask=mask).logits[:, :-1].float()
    return torch.nn.functional.cross_entropy(logits.transpose(1, 2), labels[:, 1:], ignore_index=-100)
