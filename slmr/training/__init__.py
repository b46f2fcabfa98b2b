"""Training stages, thin over TRL: SFT, distillation, preferences, and GRPO with its relatives."""

from slmr.training import bread, dpo, gkd, grpo, luffy, relift, sft

__all__ = ["bread", "dpo", "gkd", "grpo", "luffy", "relift", "sft"]
