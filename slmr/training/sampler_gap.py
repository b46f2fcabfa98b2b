"""GRPO's trainer, with a log of the difference between the sampler's and the trainer's log-probabilities."""

from __future__ import annotations

from typing import Any

import torch

from slmr.training.unpadded import UnpaddedTrainer


class GapTrainer(UnpaddedTrainer):
    """Logs `sampling/logprob_gap` (mean) and `sampling/logprob_gap_max`, in nats per token.

    The sampler's values are from decoding steps, the trainer's from a pass over the whole sequence. Before the
    first update both have the same weights, so they differ only by rounding: a gap that is not tiny at step 1
    means that the sampler uses another policy than the one being trained. TRL logs this only with vLLM.
    """

    _trainer_logps: torch.Tensor | None = None

    def _generate_and_score_completions(self, inputs: Any) -> dict[str, Any]:
        """TRL's output with `taught` [B], which marks a teacher's completions; the input rows have that field."""
        output = super()._generate_and_score_completions(inputs)
        taught = [row.get("taught", False) for row in inputs]
        return {**output, "taught": torch.tensor(taught, device=output["completion_ids"].device)}

    def _get_per_token_logps_and_entropies(self, *args: Any, **kwargs: Any) -> Any:
        logps, *rest = super()._get_per_token_logps_and_entropies(*args, **kwargs)
        self._trainer_logps = logps.detach()
        return logps, *rest

    def _compute_loss(self, model: Any, inputs: dict[str, Any]) -> torch.Tensor:
        loss = super()._compute_loss(model, inputs)
        sampled, trained = inputs.get("sampling_per_token_logps"), self._trainer_logps
        if sampled is not None and trained is not None:
            drawn = inputs["completion_mask"].bool() & ~inputs["taught"][:, None]
            gap = (trained - sampled).abs()[drawn]
            largest = gap.max() if gap.numel() else gap.sum()
            gather: Any = self.accelerator.gather
            means, most = gather(gap.mean()), gather(largest)
            if not means.isnan().all():  # NaN for a process whose rows are all a teacher's
                mode = "train" if model.training else "eval"
                self._metrics[mode]["sampling/logprob_gap"].append(means.nanmean().item())
                self._metrics[mode]["sampling/logprob_gap_max"].append(most.max().item())
        return loss
