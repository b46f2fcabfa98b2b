"""OPSD (2601.18734): on-policy self-distillation; the teacher is the student itself with the solution in its context.

From the paper: on the student's own completions, its whole next-token distribution is trained towards that of the same
model with the reference solution in its context; the teacher keeps the student's initial weights; the divergence is
Jensen-Shannon's with equal weights. Ours: the context's wording, and no clipping (a later version of the paper bounds a
token's divergence). A model can only gain what it understands of a solution, so a very small one gains little.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from slmr.artifacts import Cost
from slmr.curriculum.schema import Trace
from slmr.engines import Prompt
from slmr.engines.scoring import padded_with_mask
from slmr.engines.transformers import encode, load_model
from slmr.stage import StageContext, stage
from slmr.training.gkd import Collator, DistillationParams, Spent, distiller
from slmr.training.sft import TRACE_INPUTS, Example, fitting, length, some_traces, tokenize
from slmr.training.supervised import schedule_rows
from slmr.training.trainer import Run

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedTokenizerBase

_PRIVILEGED = "A solution of the problem that follows:\n{solution}\n\n{prompt}"


class OpsdParams(DistillationParams):
    """The parameters of `opsd`, whose traces are the solutions."""

    STAGE = "opsd"


class PrivilegedExample(Example):
    """A tokenized trace, with the token ids of the teacher's prompt: the problem with its solution."""

    privileged: list[int]


@stage("opsd", OpsdParams, TRACE_INPUTS, random=True, trains=True, version=2)
def opsd_stage(context: StageContext, params: OpsdParams) -> None:
    """Distils on the prompts of the traces; writes `model/` and the run's curve; raises as `sft` does."""
    from slmr.training.opsd_trainer import SelfDistiller

    traces = [trace for trace in some_traces(context) if not trace["prefix"]]
    run = Run(context)
    fitting(run.tokenizer, traces, params, context)
    examples = privileged_examples(run.tokenizer, traces, params.max_length)
    rows = schedule_rows(examples, length, params, context.seed, params.share)
    run.validate(params)
    teacher = load_model(context.model("model"), context.engine.device)
    trainer = distiller(
        SelfDistiller,
        PrivilegedCollator,
        run,
        teacher,
        rows,
        params,
        context,
        lmbda=1.0,
        remove_unused_columns=False,
    )
    spent: Spent = trainer.spent
    run.train(trainer, lambda _: spent.tokens(), {"spent": spent})
    context.cost += Cost.of_model(run.parameters, **spent.by_all())


def privileged_examples(
    tokenizer: PreTrainedTokenizerBase, traces: Sequence[Trace], max_length: int
) -> list[PrivilegedExample]:
    """The traces of at most `max_length` tokens, each with the teacher's prompt."""
    rows: list[PrivilegedExample] = []
    for trace in traces:
        for row in tokenize(tokenizer, [trace], max_length):
            text = _PRIVILEGED.format(solution=trace["completion"].strip(), prompt=trace["prompt"])
            rows.append({**row, "privileged": encode(tokenizer, Prompt(text))})
    return rows


class PrivilegedCollator(Collator):
    """As for GKD, with the teacher's prompts."""

    def __call__(self, rows: list[Any]) -> dict[str, torch.Tensor]:
        ids, mask = padded_with_mask([row["privileged"] for row in rows], self._pad)
        return {**super().__call__(rows), "privileged": ids, "privileged_mask": mask}
