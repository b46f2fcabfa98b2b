"""ReLIFT (2506.07527): GRPO interleaved with SFT on the questions that all rollouts get wrong.

These wait in a buffer with the teacher's trace; when the buffer is full, it is used for one SFT update.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from slmr.config import TrainingSettings
from slmr.errors import RequestError
from slmr.stage import StageContext, stage
from slmr.training.group_reward import GroupReward
from slmr.training.grpo import GUIDED_INPUTS, GrpoParams, train_policy
from slmr.training.sft import tokenize, trace_rows

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


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
    from slmr.training.interleaved_sft import InterleavedSft

    traces = trace_rows(context)

    def callback(tokenizer: PreTrainedTokenizerBase, reward: GroupReward) -> InterleavedSft:
        rows = [(t["problem_id"], tokenize(tokenizer, [t], params.max_length)) for t in traces]
        examples = {name: row[0] for name, row in rows if row}
        if not examples:
            raise RequestError(f"stage relift: no trace of at most {params.max_length} tokens: raise max_length")
        pad: Any = tokenizer.pad_token_id
        return InterleavedSft(examples, reward, params.buffer, pad, params.sft_learning_rate)

    interleaved = train_policy(context, params, callback_factory=callback)
    assert interleaved
    context.stats |= {"sft_updates": interleaved.updates, "sft_tokens": interleaved.trained}
