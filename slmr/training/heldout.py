"""Validation on held-out problems during training, for early stopping and for keeping the best weights. Ours."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from slmr.curriculum.schema import Problem
from slmr.engines import Prompt, Sampling
from slmr.engines.decode import Generation
from slmr.engines.sampler import Sampler
from slmr.engines.scoring import completion_nlls
from slmr.engines.transformers import encode
from slmr.io import digest, replacing
from slmr.training import parallel
from slmr.training.curve import Curve
from slmr.training.validation import ValidationParams
from slmr.verify import Kind, in_form, verify_batch

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

_LOGITS = 1 << 27  # maximal number in a scoring pass: half a gigabyte in float32


class Validation(TrainerCallback):
    """Samples one completion of each held-out problem at temperature 1, with the same draws at every point.

    Verdicts are those of the evaluation's checkers. `validation_kl` is the KL to the initial policy,
    estimated on these completions: the mean over tokens of log p - log p_start.

    Attributes:
        tokens: sampled so far; not part of the method's budget.
        best, best_step: the best accuracy and the first step with it.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        problems: Sequence[Problem],
        params: ValidationParams,
        curve: Curve,
        folder: Path,
        updates: int = 1,
    ) -> None:
        self._model, self._tokenizer, self._problems = model, tokenizer, problems
        self._params, self._curve, self._folder = params, curve, folder
        self._every = params.validate_every * updates
        self._prompts = [tuple(encode(tokenizer, Prompt(p["prompt"]))) for p in problems]
        self._sampler: Sampler | None = None
        self._trainer: Any = None
        self._start = copy.deepcopy(model).eval()
        self.tokens, self.best_step, self.best, self._waited = 0, -1, -1.0, 0
        self._checkpointed = -1  # the best step according to the newest checkpoint

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object
    ) -> None:
        if state.global_step == 0:
            self._validate(0)

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: object) -> None:
        step = state.global_step
        if step % self._every == 0 or step == state.max_steps:
            self._validate(step)
            if self._params.patience and self._waited >= self._params.patience:
                control.should_training_stop = True

    def _validate(self, step: int) -> None:
        metrics = self.measure()
        self._curve.add(step, {f"validation_{name}": value for name, value in metrics.items()})
        self._waited += 1
        if metrics["accuracy"] > self.best:
            self.best, self.best_step, self._waited = metrics["accuracy"], step, 0
            if self._params.keep == "best":
                with self._whole():
                    if parallel.is_main_process():
                        self._save_best()

    def measure(self) -> dict[str, float]:
        """Strict accuracy, share in the requested form, mean length, share truncated, KL to the start (nats per token).

        Each process takes a share of the problems; all get the same numbers.
        """
        mine = slice(parallel.rank(), None, parallel.world_size())
        rows = [Generation(i, prompt, int(digest(["validation", i]), 16)) for i, prompt in enumerate(self._prompts)]
        with self._whole():
            counts = parallel.all_sum(self._counts(rows[mine], self._problems[mine]))
        count, sampled = len(rows), int(counts["tokens"])
        self.tokens += sampled
        return {
            "accuracy": counts["strict"] / count,
            "format": counts["form"] / count,
            "length": sampled / count,
            "truncated": counts["truncated"] / count,
            "kl": counts["kl"] / sampled,
        }

    def _counts(self, rows: Sequence[Generation], problems: Sequence[Problem]) -> dict[str, float]:
        """Sums over these rows; `kl` in nats."""
        # Created here, because its trial of the model needs all weights.
        sampler = self._sampler = self._sampler or Sampler(self._model, self._tokenizer)
        sampler.fill(rows, Sampling(1.0, self._params.max_tokens, 0))
        texts = self._tokenizer.batch_decode([row.ids for row in rows], skip_special_tokens=True)
        golds: list[str] = [problem["gold"] for problem in problems]
        kinds: list[Kind] = [problem["kind"] for problem in problems]
        verdicts = verify_batch(texts, golds, kinds)
        return {
            "strict": sum(v.strict for v in verdicts),
            "form": sum(map(in_form, texts, kinds)),
            "tokens": sum(len(row.ids) for row in rows),
            "truncated": sum(row.ids[-1] not in sampler.ends for row in rows),
            "kl": kl_to(self._start, rows),
        }

    def _file(self, step: int) -> Path:
        return self._folder / f"best-{step}.safetensors"

    def _save_best(self) -> None:
        from safetensors.torch import save_file

        parameters = self._model.named_parameters()  # tied parameters occur once
        weights = {name: p.detach().cpu().contiguous().clone() for name, p in parameters}
        with replacing(self._file(self.best_step)) as partial:
            save_file(weights, partial)
        # A run resumed from the newest checkpoint may still need the best weights from before it.
        needed = {self._file(self.best_step), self._file(self._checkpointed)}
        for other in set(self._folder.glob("best-*")) - needed:
            other.unlink()

    def best_weights(self) -> dict[str, torch.Tensor]:
        """Name → weight at the best validation; empty if `keep` is not `best`."""
        if self._params.keep != "best" or self.best_step < 0:
            return {}
        from safetensors.torch import load_file

        return load_file(self._file(self.best_step))

    def follow(self, trainer: Any) -> None:
        """Sets the model's trainer, which may shard the model among processes."""
        self._trainer = trainer

    def _whole(self) -> AbstractContextManager[Any]:
        return parallel.whole_model(self._trainer) if self._trainer else nullcontext()

    def summary(self) -> dict[str, Any]:
        """For the stage's statistics: first, last and best accuracy, and the step whose weights are kept."""
        points = [row for row in self._curve.rows if row.get("validation_accuracy") is not None]
        last = int(points[-1]["step"])
        return {
            "problems": len(self._problems),
            "first": points[0]["validation_accuracy"],
            "last": points[-1]["validation_accuracy"],
            "best": self.best,
            "best_step": self.best_step,
            "kept_step": self.best_step if self._params.keep == "best" else last,
        }

    def state(self) -> dict[str, Any]:
        self._checkpointed = self.best_step
        return {"tokens": self.tokens, "best_step": self.best_step, "best": self.best, "waited": self._waited}

    def restore(self, state: dict[str, Any]) -> None:
        self.tokens, self.best_step, self.best = state["tokens"], state["best_step"], state["best"]
        self._checkpointed, self._waited = self.best_step, state["waited"]


def kl_to(start: PreTrainedModel, rows: Sequence[Generation]) -> float:
    """Sum over the rows' tokens of log p - log p_start, in nats; log p is that of the sampling."""
    if not rows:
        return 0.0
    width = max(len(row.prompt) + len(row.ids) for row in rows)
    size = max(1, _LOGITS // (width * start.config.get_text_config().vocab_size))
    total = 0.0
    for first in range(0, len(rows), size):
        batch = rows[first : first + size]
        nlls = completion_nlls(start, [(row.prompt, row.ids) for row in batch], width)
        for row, nll in zip(batch, nlls, strict=True):
            total += sum(row.logprobs) + float(nll.sum())
    return total
