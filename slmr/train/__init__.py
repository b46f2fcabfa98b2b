"""Training stages, thin over TRL: SFT, distillation, preferences, and GRPO with its relatives."""

from slmr.train import branching, distill, dpo, grpo, interleaved, mixed_policy, sft

__all__ = ["branching", "distill", "dpo", "grpo", "interleaved", "mixed_policy", "sft"]
